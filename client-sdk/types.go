package clientsdk

import (
	"time"

	"github.com/google/uuid"
)

// Identity is who this phone is. Device, Person and Centre never change while
// the phone is enrolled; Epoch changes after a fork, History after the server
// was restored.
type Identity struct {
	Device, Person, Centre, History, Epoch uuid.UUID
}

// Query selects rows of one table.
type Query struct {
	// Where holds columns that must be equal; a nil value asks for an empty
	// column, a []any for any of its values. "id" and "root" are allowed too.
	Where map[string]any
	// OrderBy is a column; empty orders by id, which is the order of making.
	OrderBy string
	Desc    bool
	Limit   int // 0 means all
}

// Marks say how far a row on the screen has come.
type Marks struct {
	Unsent   bool // something in it is not acknowledged by the server
	Held     bool // something in it waits for a person's decision
	Conflict bool // the office will look at a value in it
}

// Attachment names stored bytes.
type Attachment struct {
	SHA256 [32]byte
	Size   int64
}

// UploadState is how far a photo has come.
type UploadState string

// The states of an upload. The phone holds the only copy until Verified.
const (
	Stored    UploadState = "stored"    // 已存: on this phone, no row names it yet
	Queued    UploadState = "queued"    // 排队
	Uploading UploadState = "uploading" // 上传中
	Verified  UploadState = "verified"  // 已核实: the server signed a receipt for it
	Attention UploadState = "attention" // 需处理: see Reason; it never blocks the others
)

// Upload is one photo, signature or scan on its way.
type Upload struct {
	SHA256  [32]byte
	Purpose string // preview, photo, signature, receipt, document
	Type    string // media type
	Size    int64
	State   UploadState
	Reason  string    // code of what is wrong, empty where nothing is
	Sent    int64     // bytes that reached the store
	Local   bool      // the bytes are on this phone
	Added   time.Time // when it was stored
	NextTry time.Time // zero where it does not wait
	First   bool      // moved up before other originals
	Waits   bool      // for a network that costs nothing, by the [UploadRule]
}

// Problem is what keeps the phone from being in step, if anything.
type Problem struct {
	Code   Code // empty: none
	ZH, EN string
	// Request is the id of the call that failed last, by which the server's
	// operator finds it; empty where no call failed since the app was opened.
	Request string
}

// Status is the truth about the sync, for the strip on every page.
type Status struct {
	Enrolled bool
	Identity Identity

	Pending  int // changes that the server has not acknowledged, or not yet again since its history is a new one
	Held     int // changes that wait for a person's decision
	OnlyHere int // photos that a record names and of which this phone has the only copy
	// Unattached are photos that no record names: an edit that was to name them
	// was refused, or the app was killed in between. Name them in a new record,
	// or [Client.Discard] them.
	Unattached int
	Uploads    []Upload // in the order of sending
	Metered    bool     // the present network costs money
	UploadRule UploadRule

	LastSuccess time.Time // last round that did all of its work; zero for never
	LastAttempt time.Time
	NextTry     time.Time // zero where no timer runs
	Problem     Problem
	Syncing     bool

	// ClockOffset is server time minus phone time, as last measured.
	ClockOffset  time.Duration
	FreeBytes    int64 // −1 where the system does not say
	ReceiptsLeft int
}

// Round is what one sync did.
type Round struct {
	Pushed   int // changes acknowledged
	Pulled   int // rows taken over
	Uploaded int // photos verified
	Waiting  int // photos that still wait
	Repaired bool
}

// UnsentItem is one piece of work that the server does not have for sure.
type UnsentItem struct {
	Kind  string // change or photo
	Table string // of a change
	Row   uuid.UUID
	Root  uuid.UUID
	Op    string // insert, update, delete

	SHA256  [32]byte // of a photo
	Purpose string
	Size    int64

	At     time.Time // recorded, by this phone's clock
	State  string    // pending; for a photo its UploadState
	Reason string
}

// Notice is something that happened to the technician's own work and that he
// should read: a change that was denied or refused, a message of the office.
type Notice struct {
	ID     int64
	At     time.Time
	Kind   string // denied, refused, decided, message, fork, removed, NoticeQuestion
	Table  string
	Row    uuid.UUID
	Reason string
	Text   string // of a message
	Seen   bool
}

// Instruction is something that the office asked of this phone.
type Instruction struct {
	ID    uuid.UUID
	Kind  string
	Args  map[string]any
	At    time.Time
	State string // received, done, unknown
}
