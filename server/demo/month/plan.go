package month

import (
	"crypto/ed25519"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"siteledger/server/demo/scene"
	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Password is that of every account of the sample data.
const Password = "demo-siteledger"

// Person is somebody of the sample data.
type Person struct {
	ID     uuid.UUID
	Centre uuid.UUID
	Name   string
	Login  string // empty for those who work on a phone alone
	Role   schema.Role
	Phone  string
	Skills string
}

// Phone is one phone of the sample data, with the key that it signs with.
type Phone struct {
	Person  *Person
	Model   string
	Offset  time.Duration // of its clock
	Private ed25519.PrivateKey
	Epoch   uuid.UUID
	Boot    uuid.UUID
	Started time.Time // of the boot
}

// Blob is a file that a phone took: its bytes are drawn while the month is
// being loaded.
type Blob struct {
	Purpose string
	Type    string
	Draw    func(*scene.Studio) ([]byte, error)
}

// shaOf and sizeOf stand in the columns of a row for what is known only when
// the file has been drawn.
type (
	shaOf  struct{ *Blob }
	sizeOf struct{ *Blob }
)

// Record is one transaction on a phone.
type Record struct {
	At    time.Time // true time; the phone's own clock adds its offset
	Edits []ledger.Edit
	Blobs []*Blob
	Name  string // keeps the case that comes back for it, see Rule
}

// Step is something that happens at a moment. Exactly one of its parts is set.
type Step struct {
	At     time.Time
	Office *Office
	Push   *Push
	Meet   *Phone // the phone pulls, and has seen what the centre has
	Enrol  *Phone
	Retire *Phone // revoked: its person has got another
	Rule   *Rule
	Twin   *Twin
}

// Office is one transaction of a desk.
type Office struct {
	Centre uuid.UUID
	By     ledger.Author
	Edits  []ledger.Edit
}

// Push is what a phone sends at once. Again sends it a second time, as after
// an answer that was lost.
type Push struct {
	Phone   *Phone
	Records []Record
	Again   bool
}

// Rule decides the case that a record of that name brought.
type Rule struct {
	Name    string
	Verdict string
	Reason  string
	By      ledger.Author
}

// Month is the plan of all sample data.
type Month struct {
	Now          time.Time
	Centre       uuid.UUID
	Second       uuid.UUID
	Headquarters uuid.UUID
	People       []*Person
	Phones       []*Phone
	Steps        []Step // in order of time

	Story *Person // has open jobs and no phone yet
	Demo  *Person // the same; the demo's own phone is for this one

	lenient bool      // some edits of so many may be refused
	judges  []*Person // headquarters', who judge the cases of every centre
}

// Zone is the wall clock of the sample data, that of all China.
func Zone() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// New draws the month that ends at now.
func New(seed uint64, now time.Time) *Month {
	return newBuilder(seed, 2026, now).draw()
}

func newBuilder(seed, stream uint64, now time.Time) *builder {
	return &builder{
		rng: rand.New(rand.NewPCG(seed, stream)), sites: rand.New(rand.NewPCG(seed, ^stream)), now: now.In(Zone()), m: &Month{Now: now}, files: files, albumDays: photoDays,
		desk: map[deskKey][]entry{}, numbers: map[string]int{}, signatures: map[signatureKey]*Blob{},
	}
}

func (b *builder) draw() *Month {
	b.people()
	b.groups[1][0].Offset = -11 * time.Minute // its check-ins carry it; trouble has the other wrong clock
	b.headquarters()
	b.register()
	b.installs()
	b.repairs()
	b.moreCrews()
	b.cases()
	b.today()
	b.trouble()
	b.send()
	b.judge()
	b.settleAll()
	b.samples()
	b.second()
	b.finish()
	return b.m
}

// Start is shortly before the first step.
func (m *Month) Start() time.Time { return m.Steps[0].At.Add(-time.Hour) }

// builder holds what is half drawn.
type builder struct {
	rng *rand.Rand
	// sites draws positions, so that they change nothing else of the month.
	sites *rand.Rand
	now   time.Time
	m     *Month

	link      *link // nil for a month that stands alone
	files     int   // customers on file when the month begins
	albumDays int   // for how many days before today ordinary visits have their photographs

	supervisor, clerkA, clerkB, inspector *Person
	judges                                []*Person
	admin                                 *Person
	groups                                [3][2]*Phone
	repair                                [2]*Phone
	spare                                 *Phone

	communities []uuid.UUID
	customers   []*customer
	jobs        []*job
	visits      []*visit
	desk        map[deskKey][]entry
	numbers     map[string]int
	notes       []note
	signatures  map[signatureKey]*Blob
	receipts    map[*Phone]int64
	scenes      uint64
	parts       int // used so far
	paid        int // visits with a fee so far
}

// note is a record outside a visit of the phone's own.
type note struct {
	phone  *Phone
	record Record
}

// deskKey gathers what one person at a desk writes until the next round.
type deskKey struct {
	round  time.Time
	centre uuid.UUID
	person uuid.UUID
}

type entry struct {
	at    time.Time
	order int
	edit  ledger.Edit
}

// id is a UUIDv7 of a moment, drawn from the seed.
func (b *builder) id(at time.Time) uuid.UUID {
	var id uuid.UUID
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	hi, lo := b.rng.Uint64(), b.rng.Uint64()
	id[6], id[7] = 0x70|byte(hi>>8)&0x0f, byte(hi)
	id[8] = 0x80 | byte(lo>>56)&0x3f
	for i := range 7 {
		id[9+i] = byte(lo >> (8 * i))
	}
	return id
}

func (b *builder) key() ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(b.rng.Uint64())
	}
	return ed25519.NewKeyFromSeed(seed)
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

func (b *builder) chance(p float64) bool { return b.rng.Float64() < p }

// between draws a duration.
func (b *builder) between(low, high time.Duration) time.Duration {
	return low + time.Duration(b.rng.Int64N(int64(high-low)+1))
}

// midnight is the start of the day that is so many days from today.
func (b *builder) midnight(days int) time.Time {
	return time.Date(b.now.Year(), b.now.Month(), b.now.Day()+days, 0, 0, 0, 0, b.now.Location())
}

// raw gives the bytes of an id for a column.
func raw(id uuid.UUID) []byte { return append([]byte(nil), id[:]...) }

func ms(t time.Time) int64 { return t.UnixMilli() }

func insert(table string, id uuid.UUID, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: id, Op: changelog.Insert, Cols: cols}
}

func update(table string, id uuid.UUID, cols, was map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: id, Op: changelog.Update, Cols: cols, Was: was}
}

// write puts an edit on somebody's desk. What is written within a day is
// entered in the rounds of 10:30, 14:30 and 18:40, as desks do, and never
// later than now.
func (b *builder) write(by *Person, centre uuid.UUID, at time.Time, edits ...ledger.Edit) {
	k := deskKey{b.round(at), centre, by.ID}
	for _, e := range edits {
		b.desk[k] = append(b.desk[k], entry{at, len(b.desk[k]), e})
	}
}

// round is the next time at which desks enter what has happened.
func (b *builder) round(at time.Time) time.Time {
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	for _, minutes := range []int{10*60 + 30, 14*60 + 30, 18*60 + 40} {
		if r := day.Add(time.Duration(minutes) * time.Minute); !r.Before(at) {
			return b.notLater(r, at)
		}
	}
	return b.notLater(day.Add(24*time.Hour-time.Minute), at)
}

func (b *builder) notLater(r, at time.Time) time.Time {
	if r.After(b.now) {
		return maxTime(at, b.now.Add(-time.Minute))
	}
	return r
}

func maxTime(a, c time.Time) time.Time {
	if a.After(c) {
		return a
	}
	return c
}

// step adds something that happens outside the rounds.
func (b *builder) step(s Step) { b.m.Steps = append(b.m.Steps, s) }

// finish turns desks into steps and puts all in order. Steps later than now do
// not happen.
func (b *builder) finish() {
	roles := map[uuid.UUID]schema.Role{}
	for _, p := range b.m.People {
		roles[p.ID] = p.Role
	}
	keys := make([]deskKey, 0, len(b.desk))
	for k := range b.desk {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y deskKey) int {
		if c := x.round.Compare(y.round); c != 0 {
			return c
		}
		if c := slices.Compare(x.centre[:], y.centre[:]); c != 0 {
			return c
		}
		return slices.Compare(x.person[:], y.person[:])
	})
	const most = 1000
	for _, k := range keys {
		entries := b.desk[k]
		slices.SortStableFunc(entries, func(x, y entry) int { return x.at.Compare(y.at) })
		edits := make([]ledger.Edit, len(entries))
		for i, e := range entries {
			edits[i] = e.edit
		}
		for part := range slices.Chunk(edits, most) {
			by := ledger.Author{Person: k.person, Role: roles[k.person]}
			b.step(Step{At: k.round, Office: &Office{Centre: k.centre, By: by, Edits: part}})
		}
	}
	slices.SortStableFunc(b.m.Steps, func(x, y Step) int { return x.At.Compare(y.At) })
	for i, s := range b.m.Steps {
		if s.At.After(b.now) {
			b.m.Steps = b.m.Steps[:i]
			return
		}
	}
}
