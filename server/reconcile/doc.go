// Package reconcile folds changes into state by the declared rules: what is
// applied, merged, in conflict, held for a person, or denied.
//
// It never loses a value: whatever the decision, the losing value, the held
// change and the case are effects of the same transaction as the state itself.
// The fold is a function of the logs and nothing else: no clock, no map order,
// no randomness, so that a rebuild gives the same state (promises P3 to P6).
// It knows neither SQL nor HTTP: storage is a [Tx].
//
// Work happens on a [Fold]: changes of one batch are applied to an overlay in
// memory, transaction by transaction, each of which takes effect whole or not
// at all; [Fold.Flush] hands the sum of the effects to the store.
package reconcile

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// Row is a row of state with the clock of its columns.
type Row struct {
	schema.Row
	Clock Clock
	Extra []Kept // columns of a newer schema

	oldRev  uint64 // rev in the store, 0 for a new row
	oldLive bool
}

// Stored makes the row that the store read; its rev is the one that the feed
// has now.
func Stored(r schema.Row, clock Clock, extra []Kept) *Row {
	return &Row{Row: r, Clock: clock, Extra: extra, oldRev: r.Rev, oldLive: !r.Deleted}
}

func (r *Row) clone() *Row {
	c := *r
	c.Cols = make(map[string]schema.Value, len(r.Cols)+4)
	for k, v := range r.Cols {
		c.Cols[k] = v
	}
	c.Clock = r.Clock.clone()
	c.Extra = slices.Clone(r.Extra)
	return &c
}

// Key names a row.
type Key struct {
	Table string
	ID    uuid.UUID
}

// LogID names a log.
type LogID struct{ Device, Epoch uuid.UUID }

// HeldChange is a change that waits for a decision.
type HeldChange struct {
	Log      LogID
	Seq, Txn uint64
	Root     uuid.UUID
	Case     uuid.UUID
	Body     []byte
	Received int64
}

// Member is a crew membership as the feed needs it.
type Member struct {
	Person, Job  uuid.UUID
	Joined, Left uint64
}

// Active says that the person is on the crew now.
func (m Member) Active() bool { return m.Joined > m.Left }

// Evidence is what a job's completeness hangs on.
type Evidence struct {
	Visits, OpenVisits int // visits, and those without their closing row
	MissingBlobs       int
	BlockingCases      int
}

// Rows reads state. Tombstones are rows too.
type Rows interface {
	Row(ctx context.Context, table string, id uuid.UUID) (*Row, error) // nil for none
	// Load reads many rows at once, in any order; a key without a row is left
	// out. It spares a batch a question for each of its changes.
	Load(ctx context.Context, keys []Key) ([]*Row, error)
	// Find gives the live rows whose column has the value.
	Find(ctx context.Context, table, column string, value schema.Value) ([]*Row, error)
	// Kept names the rows that have values of a newer schema beside them, in
	// order of table and id.
	Kept(ctx context.Context) ([]Key, error)
	// Person finds a person in the stream or in headquarters'.
	Person(ctx context.Context, id uuid.UUID) (*Row, error)
}

// Holds reads what is held and the cases.
type Holds interface {
	Held(ctx context.Context, log LogID) ([]HeldChange, error)
	HeldOf(ctx context.Context, caseID uuid.UUID) ([]HeldChange, error)
	Case(ctx context.Context, id uuid.UUID) (*Case, error) // nil for none
	// HeldCases gives the open cases of held changes, in the order of opening.
	HeldCases(ctx context.Context) ([]*Case, error)
}

// Crews reads memberships and evidence.
type Crews interface {
	Member(ctx context.Context, person, job uuid.UUID) (Member, bool, error)
	Evidence(ctx context.Context, root uuid.UUID) (Evidence, error)
	BlobRoots(ctx context.Context, sha [32]byte) ([]uuid.UUID, error)
}

// Tx is what folding one batch needs of the store.
type Tx interface {
	Rows
	Holds
	Crews
	// Apply writes the effects of a fold.
	Apply(ctx context.Context, e *Effects) error
}

// RowWrite is a row to store, with what the feed and the checksums need of
// its earlier self.
type RowWrite struct {
	Row      *Row
	Kind     schema.RootKind
	OldRev   uint64 // 0: new
	OldLive  bool
	Inserted bool // not in the store yet
}

// Outcome is what became of a change, stored with it.
type Outcome struct {
	Log LogID
	syncproto.Outcome
}

// BlobRef says that a row names a blob.
type BlobRef struct {
	SHA256  [32]byte
	Root    uuid.UUID
	Table   string
	Row     uuid.UUID
	Column  string
	Purpose string
}

// BlobPresent says that a blob was read back and checked.
type BlobPresent struct {
	SHA256 [32]byte
	Size   int64
	Rev    uint64
}

// Loser is a value that lost a merge, kept for ever.
type Loser struct {
	Table  string
	Row    uuid.UUID
	Column string
	Rev    uint64
	Rule   schema.Rule
	Value  schema.Value
	Stamp  Stamp
}

// Effects is the sum of what a fold changes.
type Effects struct {
	Rows     []RowWrite
	Outcomes []Outcome
	Holds    []HeldChange
	Unholds  []HeldChange
	Cases    []Case // new, or decided
	Losers   []Loser
	Members  []Member
	Refs     []BlobRef
	Present  []BlobPresent
	Times    []EventTime  // intervals of records with a doubtful time
	Taken    []TimesTaken // decided clock cases
}

// Batch is a run of whole transactions of one log.
type Batch struct {
	Log      LogID
	Office   bool      // an office log: its actors are people of the office, or the server
	Person   uuid.UUID // the device's person
	Items    []Item
	Received int64            // Unix milliseconds by the server's clock
	Sent     fieldwork.Moment // the phone's clocks at sending; zero for an office log
	Cuts     []Cut            // where the stream was restored from a backup
	// Alone, where it is set, stores each transaction by itself: see [Alone].
	Alone  Alone
	Strict bool // refuse the whole batch with a [Refusal] instead of holding or denying
}

// Item is one change of a batch: its bytes, and what they say where they could
// be read.
type Item struct {
	Bytes  []byte
	Change *changelog.Change // nil: undecodable
	Seq    uint64
}
