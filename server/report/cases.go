package report

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// The kinds of cases, as the fold opens them.
const (
	CaseHeld     = "held"
	CaseConflict = "conflict"
	CaseMerged   = "merged"
	CaseFork     = "fork"
	CaseHandover = "handover"
	CaseClock    = "clock"
	CaseReceipt  = "receipt"
)

// Side is one of the two values of a case: what, by whom, when.
type Side struct {
	Value    any       `json:"value"`
	Actor    uuid.UUID `json:"actor"`
	Role     string    `json:"role"`
	Device   uuid.UUID `json:"device"`
	Wall     int64     `json:"wall"`     // the writer's own clock, Unix milliseconds
	Received int64     `json:"received"` // when the server knew, Unix milliseconds
	HLC      uint64    `json:"hlc"`
	Office   bool      `json:"office"`
}

// HeldChange is one change of a held transaction.
type HeldChange struct {
	Seq   uint64         `json:"seq"`
	Table string         `json:"table"`
	Row   uuid.UUID      `json:"row"`
	Op    int            `json:"op"`
	Cols  map[string]any `json:"cols"`
	Was   map[string]any `json:"was"`
	Actor uuid.UUID      `json:"actor"`
	Wall  int64          `json:"wall"`
	// Reason is why this change could not be applied, "transaction" for the
	// others of its transaction.
	Reason string `json:"reason"`
}

// Sides is what a case is about. Values are as JSON holds them: whole numbers
// as json.Number, ids and hashes as text.
type Sides struct {
	Rule     schema.Rule  `json:"rule"`
	Column   string       `json:"column"`
	Standing *Side        `json:"standing"`
	Other    *Side        `json:"other"`
	Proposal string       `json:"proposal"` // standing or other
	Was      any          `json:"was"`      // what the writer had seen before
	Reason   string       `json:"reason"`   // of a held transaction
	Detail   string       `json:"detail"`   // the broken rule in words
	Changes  []HeldChange `json:"changes"`
	Clock    *ClockSide   `json:"clock"` // of a doubtful clock
	Fork     *ForkSide    `json:"fork"`  // of a forked log
}

// ClockSide is what is known of a phone's clock during one boot. Times are
// Unix milliseconds, spans milliseconds; above 0 the phone's clock was ahead.
type ClockSide struct {
	Device   uuid.UUID `json:"device"`
	Epoch    uuid.UUID `json:"epoch"`
	Boot     uuid.UUID `json:"boot"`
	From     uint64    `json:"from"` // numbers of the doubtful changes
	To       uint64    `json:"to"`
	Changes  int       `json:"changes"`
	Least    int64     `json:"least"`
	Most     int64     `json:"most"`
	Jumped   int64     `json:"jumped"`
	Known    bool      `json:"known"`
	Earliest int64     `json:"earliest"`
	Latest   int64     `json:"latest"`
	Touched  []Touched `json:"touched"`
}

// Touched is a record whose time is doubted.
type Touched struct {
	Table    string    `json:"table"`
	Row      uuid.UUID `json:"row"`
	Root     uuid.UUID `json:"root"`
	Column   string    `json:"column"`
	Wall     int64     `json:"wall"` // what the phone's clock said
	Earliest int64     `json:"earliest"`
	Latest   int64     `json:"latest"`
}

// ForkSide is what is known of a log that continued in two ways.
type ForkSide struct {
	Device  uuid.UUID `json:"device"`
	Epoch   uuid.UUID `json:"epoch"`
	Common  uint64    `json:"common"` // last number that both share
	Acked   uint64    `json:"acked"`
	First   uint64    `json:"first"` // numbers of the first batch that was set aside
	Changes int       `json:"changes"`
	At      int64     `json:"at"`
}

// Claim says who has a case open at a desk, softly: it ends by itself, and
// anybody may take it over.
type Claim struct {
	Centre uuid.UUID
	Case   uuid.UUID // or the defect that waits for a verdict
	Person uuid.UUID
	Since  int64 // Unix milliseconds
	Until  int64
}

// Case is one matter for a person.
type Case struct {
	ID        uuid.UUID
	Centre    uuid.UUID
	Kind      string
	Root      uuid.UUID // the job, or another root
	Table     string
	Row       uuid.UUID
	Column    string
	Blocking  bool // the job is not complete while it is open
	OpenedAt  int64
	OpenedRev uint64
	Sides     Sides
	Open      bool
	Verdict   string
	DecidedBy uuid.UUID
	DecidedAt int64
	Reason    string
}

// Proposed is the side that the rule proposes; the standing one where the
// rule says nothing.
func (c *Case) Proposed() *Side {
	if c.Sides.Proposal == "other" && c.Sides.Other != nil {
		return c.Sides.Other
	}
	return c.Sides.Standing
}

// ParseSides reads the JSON of a case file.
func ParseSides(b []byte) (Sides, error) {
	var s Sides
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&s); err != nil {
		return Sides{}, fmt.Errorf("read the sides of a case: %w", err)
	}
	return s, nil
}

// CellValue reads a value of a case back into what a cell of the column
// holds. It is the inverse of how the fold wrote it: ids as text, hashes as
// hex, other bytes as base64.
func CellValue(c *schema.Column, v any) (schema.Value, error) {
	switch v := v.(type) {
	case nil, bool:
		return v, nil
	case json.Number:
		if c.Type == schema.Float {
			return v.Float64()
		}
		return v.Int64()
	case string:
		switch c.Type {
		case schema.UUID:
			id, err := uuid.Parse(v)
			return id[:], err
		case schema.Blob:
			return hex.DecodeString(v)
		case schema.Bytes:
			return base64.StdEncoding.DecodeString(v)
		}
		return v, nil
	}
	return nil, fmt.Errorf("column %s: a case cannot hold %T", c.Name, v)
}

// The numbers of the queue's filters, as the keys 1 to 9 choose them.
const (
	FilterConflicts = 1 // two values, or a rule's choice worth a look
	FilterEvidence  = 2 // photos that are still on a phone only
	FilterLateCards = 3 // visits of an earlier day without their closing row
	FilterFees      = 4 // whatever concerns money
	FilterDoubles   = 5 // receipt numbers used twice, forked logs
	FilterClocks    = 6 // doubtful clocks
	FilterHeld      = 7 // changes that wait for a decision
	FilterSlips     = 8 // finished jobs whose slip is not registered
	FilterWaivers   = 9 // requests to waive a fee
)

// Item is one row of the reconciliation queue.
type Item struct {
	Filter   int
	Kind     string    // a case's kind, or evidence, card, slip, waiver
	ID       uuid.UUID // the case, or the row that it is about
	Job      uuid.UUID // uuid.Nil where no job is concerned
	JobNo    string
	JobKind  string
	Customer string
	Table    string
	Column   string
	Who      string // whose work it is
	Since    int64  // Unix milliseconds
	Value    int64  // fen at stake in the job
	Count    int    // photos missing; 0 elsewhere
	Blocking bool
}

// Glance is the top of the reconciliation screen: what is out there that the
// centre does not know yet.
type Glance struct {
	SilentPhones int   // not heard from for a day
	OldestSilent int64 // Unix milliseconds of the longest silence's beginning
	OnlyCopies   int   // files named by rows whose bytes are not in
}

// FilterOf sorts a case into the queue's filters.
func FilterOf(c *Case) int {
	switch c.Table {
	case "fee_line", "waiver", "receipt", "remittance":
		if c.Kind == CaseConflict || c.Kind == CaseMerged {
			return FilterFees
		}
	}
	switch c.Kind {
	case CaseReceipt, CaseFork:
		return FilterDoubles
	case CaseClock:
		return FilterClocks
	case CaseHeld, CaseHandover:
		return FilterHeld
	}
	return FilterConflicts
}

// Ruled is a decision that was taken on a case.
type Ruled struct {
	ID      uuid.UUID
	Of      uuid.UUID // the decision that this one compensates; uuid.Nil for the case's own
	Verdict string
	Reason  string
	At      int64 // Unix milliseconds
	By      uuid.UUID
}
