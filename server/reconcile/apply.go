package reconcile

import (
	"context"
	"sort"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/merge"
	"siteledger/syncproto/schema"
)

func (w *work) stamp(ctx context.Context, ch *changelog.Change, root uuid.UUID) (Stamp, error) {
	s := Stamp{HLC: w.clamp(ch.HLC, w.unit.Received), Log: w.unit.Log, Seq: ch.Seq, Actor: ch.Actor, Role: w.roleOf, Wall: ch.Wall, Received: w.unit.Received, Office: w.unit.Office}
	if !w.unit.Office {
		m, ok, err := w.member(ctx, w.unit.Person, root)
		if err != nil {
			return s, err
		}
		s.Assigned = ok && m.Active()
	}
	return s, nil
}

func (w *work) insert(ctx context.Context, t *schema.Table, ch *changelog.Change, row *Row, extra map[string]any) (*finding, error) {
	if row != nil {
		if row.Deleted {
			return held(syncproto.RowDeleted, row.Root), nil
		}
		fd := held(syncproto.RowExists, row.Root)
		fd.stale = true
		return fd, nil
	}
	root, fd, err := w.rootOf(ctx, t, ch, w.unit.Person)
	if err != nil || fd != nil {
		return fd, err
	}
	if taken, err := w.takenRoot(ctx, t, root); err != nil || taken {
		return held(syncproto.RowExists, uuid.Nil), err
	}
	if w.roleOf != schema.Server {
		for _, c := range t.Columns {
			if t.RuleOf(c) == schema.State && len(c.Values) > 0 && ch.Cols[c.Name] != c.Values[0] {
				return held(syncproto.Transition, root), nil
			}
		}
	}
	s, err := w.stamp(ctx, ch, root)
	if err != nil {
		return nil, err
	}
	s.Rev = w.nextRev()
	n := &Row{Row: schema.Row{Table: t.Name, ID: ch.Row, Root: root, Rev: s.Rev, Cols: make(map[string]schema.Value, len(ch.Cols))}}
	var fits bool
	if n.Extra, fits = keep(nil, s, ch.Base, extra); !fits {
		return held(syncproto.UnknownColumn, root), nil
	}
	cols := make([]string, 0, len(ch.Cols))
	for _, c := range t.Columns {
		if v, ok := ch.Cols[c.Name]; ok {
			n.Cols[c.Name] = c.Normal(v)
			cols = append(cols, c.Name)
		}
	}
	n.Clock.set(s, cols...)
	w.write(n)
	return nil, nil
}

// takenRoot says that a new job's id is already the root of other rows. Whoever
// records a job joins its root: under such an id he would see the office's
// files, or another person's rows (promise P7).
func (w *work) takenRoot(ctx context.Context, t *schema.Table, root uuid.UUID) (bool, error) {
	if t.Parent != "" || t.Root != schema.RootJob {
		return false, nil
	}
	if root == uuid.Nil || root == w.centre || root == officeRoot(w.centre) {
		return true, nil
	}
	p, err := w.row(ctx, "person", root)
	return p != nil, err
}

func (w *work) update(ctx context.Context, t *schema.Table, ch *changelog.Change, row *Row, extra map[string]any) (*finding, error) {
	switch {
	case row == nil:
		return held(syncproto.RowUnknown, uuid.Nil), nil
	case row.Deleted:
		return held(syncproto.RowDeleted, row.Root), nil
	case t.Rule == schema.Fact:
		return held(syncproto.Rule, row.Root), nil
	}
	s, err := w.stamp(ctx, ch, row.Root)
	if err != nil {
		return nil, err
	}
	crew, err := w.hasCrew(ctx, row.Root)
	if err != nil {
		return nil, err
	}
	m := mergeRow{work: w, t: t, ch: ch, row: row, next: row.clone(), stamp: s, crew: crew}
	for _, name := range sortedNames(ch.Cols) {
		if c := t.Column(name); c != nil {
			if fd := m.column(c, c.Normal(ch.Cols[name])); fd != nil {
				return fd, nil
			}
		}
	}
	var fits bool
	if m.next.Extra, fits = keep(row.Extra, s, w.shown(ch), extra); !fits {
		return held(syncproto.UnknownColumn, row.Root), nil
	}
	m.dirty = len(extra) > 0
	m.finish()
	return nil, nil
}

// shown is the rev of the row that the writer saw. A rev that nobody was given
// yet shows nothing: it must not win over what others wrote (promise P5). One
// of a past that a restore has cut off counts as the last before the cut.
func (w *work) shown(ch *changelog.Change) uint64 {
	if ch.Base > w.rev {
		return 0
	}
	return sinceCuts(w.cuts, ch.Base)
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// mergeRow lays an update over a row, column by column.
type mergeRow struct {
	*work
	t     *schema.Table
	ch    *changelog.Change
	row   *Row // as it stood
	next  *Row
	stamp Stamp
	crew  bool
	took  []string
	dirty bool
	worst syncproto.OutcomeCode

	restamp []restamped
	lost    []lostColumn
}

// restamped is a column that keeps its value and rev and has another writer.
type restamped struct {
	column string
	rev    uint64
}

type lostColumn struct {
	c       *schema.Column
	rule    schema.Rule
	verdict merge.Verdict
	old     Stamp
	value   schema.Value // the new one
}

func (m *mergeRow) column(c *schema.Column, v schema.Value) *finding {
	standing := m.row.Cols[c.Name]
	if c.Name == m.t.ParentColumn && m.t.Parent != "" && !schema.Equal(standing, v) {
		return held(syncproto.Rule, m.row.Root)
	}
	old, wrote := m.row.Clock.Stamp(c.Name)
	concurrent := wrote && old.Rev > m.shown(m.ch) && old.Log != m.stamp.Log
	rule := m.t.RuleOf(c)
	// At a desk two people share the office's log: there, whoever wrote since
	// the screen was shown counts.
	if m.unit.Strict && m.ch.Base > 0 && wrote && old.Rev > m.ch.Base && !schema.Equal(standing, v) {
		return &finding{code: syncproto.Held, reason: syncproto.Behind, root: m.row.Root, stale: true}
	}
	if rule == schema.State {
		return m.step(c, standing, v, concurrent)
	}
	verdict := m.e.rules.Column(merge.Input{
		Rule: rule, Crew: m.crew, Concurrent: concurrent,
		Standing: merge.Side{Value: standing, HLC: old.HLC, Device: old.Log.Device, Epoch: old.Log.Epoch, Office: old.Office, Assigned: old.Assigned},
		New:      merge.Side{Value: v, HLC: m.stamp.HLC, Device: m.stamp.Log.Device, Epoch: m.stamp.Log.Epoch, Office: m.stamp.Office, Assigned: m.stamp.Assigned},
	})
	if verdict.Take {
		m.next.Cols[c.Name] = v
		m.took = append(m.took, c.Name)
	}
	if verdict.Restamp {
		m.restamp = append(m.restamp, restamped{c.Name, old.Rev})
	}
	m.worse(verdict.Outcome)
	if verdict.Lost != merge.None {
		m.lost = append(m.lost, lostColumn{c, rule, verdict, old, v})
	}
	return nil
}

// step takes a state along a declared transition, or not at all.
func (m *mergeRow) step(c *schema.Column, standing, v schema.Value, concurrent bool) *finding {
	if schema.Equal(standing, v) {
		if concurrent {
			m.worse(syncproto.Merged)
		}
		return nil
	}
	from, _ := standing.(string)
	to, _ := v.(string)
	allowed, may := c.Step(from, to, m.roleOf)
	if m.roleOf == schema.Server {
		allowed, may = true, true
	}
	if !allowed {
		fd := held(syncproto.Transition, m.row.Root)
		fd.stale = concurrent
		fd.zh = "状态不能从“" + c.ValueLabel(from, "zh-CN") + "”改为“" + c.ValueLabel(to, "zh-CN") + "”。"
		fd.en = "The state cannot go from “" + c.ValueLabel(from, "en") + "” to “" + c.ValueLabel(to, "en") + "”."
		return fd
	}
	if !may {
		return denied(syncproto.NotWriter)
	}
	m.next.Cols[c.Name] = v
	m.took = append(m.took, c.Name)
	return nil
}

func (m *mergeRow) worse(o syncproto.OutcomeCode) {
	if o == syncproto.Conflict || (o == syncproto.Merged && m.worst == "") {
		m.worst = o
	}
}

// finish stores the row under a new rev where anything changed, keeps the
// losing values and opens the cases.
func (m *mergeRow) finish() {
	for _, r := range m.restamp {
		s := m.stamp
		s.Rev = r.rev
		m.next.Clock.set(s, r.column)
	}
	if len(m.took) == 0 && !m.dirty && len(m.restamp) > 0 {
		m.write(m.next) // nothing that a phone would see: the same rev
	}
	if len(m.took) > 0 || m.dirty {
		m.stamp.Rev = m.nextRev()
		m.next.Rev = m.stamp.Rev
		m.next.Clock.set(m.stamp, m.took...)
		m.write(m.next)
	}
	var first []byte
	for _, l := range m.lost {
		id := m.keepLoser(l)
		if first == nil && (l.verdict.Outcome == m.worst || m.worst == "") {
			first = id[:]
		}
	}
	if m.worst != "" {
		m.outs = append(m.outs, Outcome{Log: m.unit.Log, Outcome: syncproto.Outcome{Seq: m.ch.Seq, Code: m.worst, Case: first}})
	}
}

func (m *mergeRow) keepLoser(l lostColumn) uuid.UUID {
	mine := m.stamp
	lost := Loser{Table: m.t.Name, Row: m.row.ID, Column: l.c.Name, Rev: m.rev, Rule: l.rule, Value: l.value, Stamp: mine}
	standing, other := view(l.c, m.row.Cols[l.c.Name], l.old), view(l.c, l.value, mine)
	if l.verdict.Lost == merge.LostStanding {
		lost.Value, lost.Stamp = m.row.Cols[l.c.Name], l.old
		standing, other = other, standing
	}
	m.effects.Losers = append(m.effects.Losers, lost)
	kind, blocking := CaseMerged, false
	if l.verdict.Outcome == syncproto.Conflict {
		kind, blocking = CaseConflict, true
	}
	sides := Sides{Rule: l.rule, Column: l.c.Name, Standing: standing, Other: other, Proposal: "standing"}
	if m.ch.Was != nil {
		sides.Was = JSONValue(l.c, m.ch.Was[l.c.Name])
	}
	c := Case{ID: derivedID("case", m.stamp.Log, m.ch.Seq, l.c.Name), Kind: kind, Root: m.row.Root, Table: m.t.Name, Row: m.row.ID,
		Column: l.c.Name, Blocking: blocking, OpenedAt: m.unit.Received, Rev: m.rev, Sides: sides}
	m.effects.Cases = append(m.effects.Cases, c)
	m.touchJob(m.row.Root)
	return c.ID
}

// hasCrew says whether the job has an active assignment.
func (w *work) hasCrew(ctx context.Context, root uuid.UUID) (bool, error) {
	if crew, ok := w.crews[root]; ok {
		return crew, nil
	}
	rows, err := w.find(ctx, "assignment", "job", root[:])
	if err != nil {
		return false, err
	}
	crew := false
	for _, r := range rows {
		crew = crew || r.Bool("active")
	}
	w.crews[root] = crew
	return crew, nil
}
