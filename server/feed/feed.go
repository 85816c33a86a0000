// Package feed hands each device the rows of its audience, in the order of
// their position: the greater of a row's rev and the rev at which the reader
// joined its root.
//
// A pull is what changed for this reader since his cursor, never history: the
// feed holds the latest rev of a row once. It must never show a row outside
// the audience (P7), never skip one inside it, and never depend on a clock.
// Pages of one pull are read in several snapshots; because a row that changes
// moves to the end, what the last page completes is the state at that last
// snapshot.
package feed

import (
	"context"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Root is one root of a reader's audience with what the server keeps of it.
type Root struct {
	Stream uuid.UUID
	ID     uuid.UUID
	Joined uint64 // rev at which the reader joined it; 0 for always
	Rev    uint64 // last rev given under it
	Rows   int
	Sum    uint64
}

// Key is a row's place in the feed.
type Key struct {
	Rev     uint64
	Table   string
	Row     uuid.UUID
	Deleted bool
}

// Left is a root that the reader lost, at a rev.
type Left struct {
	ID uuid.UUID
	At uint64
}

// Audience reads who sees what.
type Audience interface {
	// Roots lists the roots that the person sees now: his own, the centre's, his
	// crews' jobs, and headquarters'.
	Roots(ctx context.Context, person uuid.UUID) ([]Root, error)
	// Left lists the jobs that the person left after a rev and has not rejoined.
	Left(ctx context.Context, person uuid.UUID, after uint64) ([]Left, error)
	// Instructions lists those for the person or device that have no
	// acknowledgement, and decisions made after a rev whatever acknowledges
	// them: a phone restored from an old image, or copied, shares its
	// acknowledgements with what it once was, but not its log.
	Instructions(ctx context.Context, person, device uuid.UUID, after uint64) ([]syncproto.Instruction, error)
}

// Span is the part of a root behind a rev.
type Span struct {
	Root  uuid.UUID
	After uint64
}

// Places reads the order of rows.
type Places interface {
	// Keys gives up to limit places of a root after a rev, in order.
	Keys(ctx context.Context, stream, root uuid.UUID, after uint64, limit int) ([]Key, error)
	// Window gives the places of several roots of a stream up to a rev, in order,
	// each with the number of its span; at most limit of them, the first.
	Window(ctx context.Context, stream uuid.UUID, spans []Span, upTo uint64, limit int) ([]Key, []int, error)
}

// Content reads rows.
type Content interface {
	// Rows reads rows of one stream, in the order of the keys; a key whose row
	// is not there is left out.
	Rows(ctx context.Context, stream uuid.UUID, keys []Key) ([]schema.Row, error)
	// Hidden is the part of a root that a reader of a version of the schema does
	// not see: the rows of tables that came later.
	Hidden(ctx context.Context, stream, root uuid.UUID, version int) (rows int, sum uint64, err error)
	// HLC is the highest hybrid time of the centre's stream.
	HLC(ctx context.Context) (uint64, error)
	// Passed is the device's log that was opened last and how far it is folded; nil before a
	// first push.
	Passed(ctx context.Context, device uuid.UUID) (*syncproto.Passed, error)
}

// Snapshot is one consistent view of a centre's and headquarters' streams.
type Snapshot interface {
	Audience
	Places
	Content
}

// Config is what a feed needs.
type Config struct {
	View    func(ctx context.Context, centre uuid.UUID, fn func(Snapshot) error) error
	History uuid.UUID
	Schema  *schema.Descriptor
	Secret  []byte // signs cursors, so that one we did not make is refused
	Limits  syncproto.Limits
	Now     func() time.Time
}

// Feed serves pulls. It is safe for concurrent use.
type Feed struct {
	Config
	pokes *pokes
}

// New builds a feed.
func New(cfg Config) *Feed { return &Feed{Config: cfg, pokes: newPokes()} }

// Poke tells the subscribers of a centre that there is something to pull. A
// poke of headquarters' stream reaches everybody.
func (f *Feed) Poke(stream uuid.UUID, headquarters bool) { f.pokes.poke(stream, headquarters) }

// Subscribe gives a channel that holds at most one unread poke. cancel ends it.
func (f *Feed) Subscribe(centre uuid.UUID) (<-chan struct{}, func()) { return f.pokes.add(centre) }

// Device is who pulls; see ledger.Device.
type Device = ledger.Device
