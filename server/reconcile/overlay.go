package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// lengths remembers how far the effects were, for a rollback.
type lengths struct {
	rev                                               uint64
	touched, jobs                                     int
	out, holds, unholds, cases, losers, members, refs int
	present, times, taken                             int
}

func (f *Fold) snapshot() lengths {
	e := &f.effects
	return lengths{f.rev, len(f.touched), len(f.jobs), len(e.Outcomes), len(e.Holds), len(e.Unholds), len(e.Cases), len(e.Losers), len(e.Members), len(e.Refs), len(e.Present), len(e.Times), len(e.Taken)}
}

// undone is a row, or a membership, as it stood before it was written.
type undone struct {
	key    Key
	row    *Row
	member *undoneMember // instead of a row
}

type undoneMember struct {
	key memberKey
	was Member
	had bool
}

func (u undone) back(f *Fold) {
	switch m := u.member; {
	case m == nil:
		f.rows[u.key] = u.row
	case m.had:
		f.members[m.key] = m.was
	default:
		delete(f.members, m.key)
	}
}

// rollback undoes everything since the mark: a transaction takes effect whole
// or not at all.
func (f *Fold) rollback(mark int, l lengths) {
	for i := len(f.undo) - 1; i >= mark; i-- {
		f.undo[i].back(f)
	}
	f.undo = f.undo[:mark]
	clear(f.crews)
	for _, k := range f.touched[l.touched:] {
		delete(f.written, k)
	}
	for _, j := range f.jobs[l.jobs:] {
		delete(f.jobSeen, j)
	}
	e := &f.effects
	f.rev, f.touched, f.jobs = l.rev, f.touched[:l.touched], f.jobs[:l.jobs]
	e.Outcomes, e.Holds, e.Unholds, e.Cases = e.Outcomes[:l.out], e.Holds[:l.holds], e.Unholds[:l.unholds], e.Cases[:l.cases]
	e.Losers, e.Members, e.Refs, e.Present = e.Losers[:l.losers], e.Members[:l.members], e.Refs[:l.refs], e.Present[:l.present]
	e.Times, e.Taken = e.Times[:l.times], e.Taken[:l.taken]
}

// row reads a row through the overlay; nil for none. Tombstones are rows.
func (f *Fold) row(ctx context.Context, table string, id uuid.UUID) (*Row, error) {
	k := Key{table, id}
	if r, ok := f.rows[k]; ok {
		return r, nil
	}
	r, err := f.tx.Row(ctx, table, id)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", table, id, err)
	}
	f.rows[k] = r
	f.inStore[k] = r != nil
	f.byTable[table] = append(f.byTable[table], k)
	return r, nil
}

// load brings the rows that a batch names, and the parents of its new rows,
// into the overlay at once.
func (f *Fold) load(ctx context.Context, items []Item) error {
	if len(items) < 3 {
		return nil // not worth a list
	}
	var keys []Key
	seen := make(map[Key]bool, len(items)+8)
	want := func(k Key) {
		if _, ok := f.rows[k]; !ok && !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	for _, it := range items {
		ch := it.Change
		if ch == nil {
			continue
		}
		t := f.e.d.Table(ch.Table)
		if t == nil {
			continue
		}
		want(Key{t.Name, ch.Row})
		if b, ok := ch.Cols[t.ParentColumn].([]byte); ok && t.Parent != "" && len(b) == 16 {
			want(Key{t.Parent, uuid.UUID(b)})
		}
	}
	rows, err := f.tx.Load(ctx, keys)
	if err != nil {
		return fmt.Errorf("read the batch's rows: %w", err)
	}
	for _, r := range rows {
		k := Key{r.Table, r.ID}
		f.rows[k], f.inStore[k] = r, true
	}
	for _, k := range keys {
		if !f.inStore[k] {
			f.rows[k] = nil
		}
		f.byTable[k.Table] = append(f.byTable[k.Table], k)
	}
	return nil
}

// live is row without tombstones.
func (f *Fold) live(ctx context.Context, table string, id uuid.UUID) (*Row, error) {
	r, err := f.row(ctx, table, id)
	if err != nil || r == nil || r.Deleted {
		return nil, err
	}
	return r, nil
}

// find gives the live rows whose column has a value, the overlay's included.
func (f *Fold) find(ctx context.Context, table, column string, value schema.Value) ([]*Row, error) {
	stored, err := f.tx.Find(ctx, table, column, value)
	if err != nil {
		return nil, fmt.Errorf("find %s by %s: %w", table, column, err)
	}
	var out []*Row
	for _, r := range stored {
		if _, ok := f.rows[Key{table, r.ID}]; !ok {
			out = append(out, r)
		}
	}
	for _, k := range f.byTable[table] {
		if r := f.rows[k]; r != nil && !r.Deleted && schema.Equal(r.Cols[column], value) {
			out = append(out, r)
		}
	}
	return out, nil
}

// write puts a changed copy of a row into the overlay under a new rev.
func (f *Fold) write(r *Row) {
	k := Key{r.Table, r.ID}
	old, had := f.rows[k]
	if !had {
		f.byTable[r.Table] = append(f.byTable[r.Table], k)
	}
	f.undo = append(f.undo, undone{key: k, row: old})
	f.rows[k] = r
	if !f.written[k] {
		f.written[k] = true
		f.touched = append(f.touched, k)
	}
	if t := f.e.d.Table(r.Table); t != nil && t.Root == schema.RootJob {
		f.touchJob(r.Root)
	}
}

func (f *Fold) nextRev() uint64 {
	f.rev++
	return f.rev
}

func (f *Fold) touchJob(root uuid.UUID) {
	if !f.jobSeen[root] {
		f.jobSeen[root] = true
		f.jobs = append(f.jobs, root)
	}
}

// member reads a membership through the overlay.
func (f *Fold) member(ctx context.Context, person, job uuid.UUID) (Member, bool, error) {
	k := memberKey{person, job}
	if m, ok := f.members[k]; ok {
		return m, m.Joined > 0, nil
	}
	m, ok, err := f.tx.Member(ctx, person, job)
	if err != nil {
		return m, false, fmt.Errorf("read membership: %w", err)
	}
	f.members[k] = m
	return m, ok, nil
}

func (f *Fold) setMember(m Member) {
	k := memberKey{m.Person, m.Job}
	old, had := f.members[k]
	f.undo = append(f.undo, undone{member: &undoneMember{key: k, was: old, had: had}})
	f.members[k] = m
	f.effects.Members = append(f.effects.Members, m)
}

// Flush hands the effects to the store, then settles the completeness of each
// job that was touched (promise P12).
func (f *Fold) Flush(ctx context.Context) error {
	if err := f.apply(ctx); err != nil {
		return err
	}
	for _, job := range f.jobs {
		if err := f.settle(ctx, job); err != nil {
			return err
		}
	}
	return f.apply(ctx)
}

func (f *Fold) apply(ctx context.Context) error {
	f.noteRoots()
	f.effects.Rows = slices.Grow(f.effects.Rows, len(f.touched))
	for _, k := range f.touched {
		r := f.rows[k]
		f.effects.Rows = append(f.effects.Rows, RowWrite{Row: r, Kind: f.e.d.Table(r.Table).Root, OldRev: r.oldRev, OldLive: r.oldLive, Inserted: !f.inStore[k]})
	}
	if err := f.tx.Apply(ctx, &f.effects); err != nil {
		return fmt.Errorf("store the fold: %w", err)
	}
	for _, k := range f.touched {
		r := f.rows[k]
		r.oldRev, r.oldLive = r.Rev, !r.Deleted
		f.inStore[k] = true
		delete(f.written, k)
	}
	f.touched, f.undo = f.touched[:0], f.undo[:0]
	f.effects = Effects{}
	return nil
}

// settle computes "complete": the job is done, each visit has its closing row,
// every blob that a row names is stored and checked, and no case is open.
func (f *Fold) settle(ctx context.Context, id uuid.UUID) error {
	job, err := f.live(ctx, "job", id)
	if err != nil || job == nil {
		return err
	}
	complete := false
	switch job.Text("status") {
	case "finished", "registered", "closed":
		ev, err := f.tx.Evidence(ctx, id)
		if err != nil {
			return fmt.Errorf("evidence of job %s: %w", id, err)
		}
		complete = ev.OpenVisits == 0 && ev.MissingBlobs == 0 && ev.BlockingCases == 0
	}
	if job.Bool("complete") == complete {
		return nil
	}
	n := job.clone()
	n.Rev = f.nextRev()
	n.Cols["complete"] = complete
	n.Clock.set(Stamp{Rev: n.Rev, HLC: f.hlc, Role: schema.Server, Office: true}, "complete")
	f.write(n)
	return nil
}

// noteRoots remembers which jobs this fold touched.
func (f *Fold) noteRoots() {
	for _, j := range f.jobs {
		if !f.rootSeen[j] {
			f.rootSeen[j] = true
			f.roots = append(f.roots, j)
		}
	}
}

// Roots are the jobs that the fold touched, after Flush.
func (f *Fold) Roots() []uuid.UUID { return f.roots }
