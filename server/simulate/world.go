package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/schema"
)

// world is one seed's server, phones, offices and the time that they share.
type world struct {
	seed     uint64
	template *template
	dir      string
	rng      *rand.Rand
	at       time.Time
	start    time.Time
	node     *node
	hq       uuid.UUID
	sites    []*site
	phone    []*phone
	kinds    map[string]bool // faults that exist in this world
	calm     bool            // faults have stopped
	step     int
	faults   map[string]int
	did      map[string]int // what people did
	oracle   *oracle
	late     []lateCall
	images   []image
	older    older
	saved    *backup
	dying    *dying // context of the request in whose middle the server dies

	trace  []string // last steps
	digest [32]byte
	count  int // names given
}

// site is one centre with its clerk and installers.
type site struct {
	name       string
	canary     string
	id         uuid.UUID
	clerk      ledger.Author
	installers []uuid.UUID
	jobs       []uuid.UUID
	contact    map[uuid.UUID]uuid.UUID
	remitted   int64 // fen that its office booked as handed in
}

// violation is a promise that was broken.
type violation struct {
	invariant string
	text      string
}

func (v *violation) Error() string { return v.invariant + ": " + v.text }

func broken(invariant, format string, args ...any) error {
	return &violation{invariant, fmt.Sprintf(format, args...)}
}

// base is where worlds are made where nobody says: in memory where the system
// has that.
func base(asked string) string {
	if asked != "" {
		return asked
	}
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}

// newWorld makes a server with two centres and their phones.
func newWorld(ctx context.Context, seed uint64, t *template) (*world, error) {
	dir, err := os.MkdirTemp(filepath.Dir(t.dir), "world-")
	if err != nil {
		return nil, err
	}
	w := &world{seed: seed, template: t, dir: dir, rng: rand.New(rand.NewPCG(seed, 0x517e1ed9e7)), kinds: map[string]bool{}, faults: map[string]int{}, did: map[string]int{}}
	w.start = time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC).Add(time.Duration(w.rng.IntN(86400)) * time.Second)
	w.at = w.start
	w.drawKinds()
	w.older = newOlder(seed)
	now := func() time.Time { return w.at }
	w.node = &node{dir: filepath.Join(dir, "server-0"), now: now, ids: &ids{now: now, rand: rand.New(rand.NewPCG(seed, 1<<32))}}
	w.node.storageCall, w.node.schema = w.serverToStorage, t.today
	w.oracle = newOracle(w)
	if err := copyTree(w.older.begin(w), w.node.dir); err != nil {
		return w, err
	}
	if err := w.node.open(ctx); err != nil {
		return w, err
	}
	return w, w.populate(ctx)
}

// drawKinds draws which faults exist: none in every eighth seed, else each
// with a chance of its own world.
func (w *world) drawKinds() {
	all := drawnKinds()
	share := 0.15 + 0.5*w.rng.Float64()
	for _, k := range all {
		if w.rng.Float64() < share && w.seed%8 != 0 {
			w.kinds[k] = true
		}
	}
	if w.seed%8 != 0 { // two kinds in turn, so that a short run reaches all
		w.kinds[all[int(w.seed)%len(all)]] = true
		w.kinds[all[int(w.seed*7+3)%len(all)]] = true
	}
}

// populate takes over the template's centres, gives their installers phones,
// and the first jobs. The second centre always has two phones.
func (w *world) populate(ctx context.Context) error {
	w.hq = w.template.hq
	for i, t := range w.template.sites {
		s := &site{name: t.name, canary: t.canary, id: t.id, contact: map[uuid.UUID]uuid.UUID{}, clerk: ledger.Author{Person: t.clerk, Role: schema.Supervisor}}
		w.sites = append(w.sites, s)
		s.installers = t.installers[:2+w.rng.IntN(2)*(1-i)]
		for _, person := range s.installers {
			if err := w.newPhone(ctx, s, person); err != nil {
				return err
			}
		}
		for range 2 {
			if err := w.intake(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// close ends all and removes the files.
func (w *world) close() error {
	var errs []error
	for _, p := range w.phone {
		if p.client != nil {
			errs = append(errs, p.client.Close())
		}
	}
	if w.node != nil && w.node.api != nil {
		errs = append(errs, w.node.close())
	}
	if w.node != nil && w.node.storage != nil {
		errs = append(errs, w.node.storage.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(w.dir))...)
}

// keptLines bounds the story that a finding can show.
const keptLines = 20_000

// tell writes a line of the story. It names no id and no byte that chance
// outside of the seed made.
func (w *world) tell(format string, args ...any) {
	line := fmt.Sprintf("%4d %s ", w.step, w.at.Format("01-02 15:04:05")) + fmt.Sprintf(format, args...)
	w.digest = sha256.Sum256(append(w.digest[:], line...))
	w.trace = append(w.trace, line)
	if len(w.trace) > keptLines {
		w.trace = append(w.trace[:0], w.trace[keptLines/2:]...)
	}
}

// cutPower makes of a copied folder what a power cut leaves. Its chance is not
// the story's: how many writes are loose is SQLite's affair.
func (w *world) cutPower(from, to string) error {
	return w.template.disks.cut(from, to, rand.New(rand.NewPCG(w.seed, uint64(w.step))))
}

// hit counts a fault that happened.
func (w *world) hit(kind string) {
	w.faults[kind]++
	w.tell("  fault: %s", kind)
}

// seeded gives bytes of the world's own chance.
type seeded struct{ rng *rand.Rand }

func (s seeded) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(s.rng.Uint32())
	}
	return len(b), nil
}
