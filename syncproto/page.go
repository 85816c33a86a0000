package syncproto

import (
	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Page is one page of a pull. In CBOR it has the same text keys as in JSON,
// with ids as bytes(16). JSON is written by the edge from these same fields.
type Page struct {
	History      uuid.UUID
	Rows         []Row
	Removed      []Removed
	Instructions []Instruction
	HLC          uint64
	Next         string // cursor
	More         bool

	// Only where More is false:
	Passed    *Passed    // nil before a first push
	Checksums []Checksum // roots that changed since the cursor
	Total     *Checksum
}

// Row is the current state of one row: all columns that the reader may see,
// nil where empty.
type Row struct {
	Table string
	ID    uuid.UUID
	Root  uuid.UUID
	Rev   uint64
	Cols  map[string]schema.Value
}

// Removed names a row, or all rows of a root, that the reader no longer sees.
type Removed struct {
	Table string     // empty where Root is set
	Row   *uuid.UUID // one of Row and Root
	Root  *uuid.UUID
	Why   string // deleted or left
}

// Why a row was removed.
const (
	WhyDeleted = "deleted"
	WhyLeft    = "left"
)

// Instruction is something that the server asks of a device, acknowledged by
// an insert into instruction_ack.
type Instruction struct {
	ID   uuid.UUID
	Kind string
	Args map[string]any
}

// Kinds of instructions.
const (
	KindRetake  = "retake"
	KindUpload  = "upload"
	KindResend  = "resend"
	KindDecided = "decided"
	KindWipe    = "wipe"
	KindMessage = "message"
)

// Passed says that this device's changes up to Seq are in the rows.
type Passed struct {
	Epoch uuid.UUID
	Seq   uint64
}

// Checksum proves the versions of a root's rows. Sum is 16 hex digits.
type Checksum struct {
	Root  uuid.UUID // zero in a total
	Count int
	Sum   string
}
