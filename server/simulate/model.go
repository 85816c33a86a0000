package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/server/reconcile"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// model is a second, much simpler opinion of what a merge must come to: it
// follows the columns that an office wrote last.
type model struct {
	o    *oracle
	last map[place]officeValue
	// state follows the columns that may only go along declared transitions.
	state map[place]string
}

type place struct {
	row uuid.UUID
	col string
}

type officeValue struct {
	rev   uint64
	hlc   uint64
	value string
}

func newModel(o *oracle) *model {
	return &model{o: o, last: map[place]officeValue{}, state: map[place]string{}}
}

// wrote follows an office's transaction. Its hybrid time is above all that the
// server had: it wins every column under the rule latest.
func (o *oracle) wrote(ctx context.Context, s *site, edits []ledger.Edit, out ledger.Written) error {
	for _, e := range edits {
		t := o.w.node.core.Schema.Table(e.Table)
		for name, v := range e.Cols {
			if t.RuleOf(t.Column(name)) == schema.State {
				o.model.state[place{e.Row, name}], _ = v.(string)
			}
		}
		if e.Op != changelog.Update {
			continue
		}
		row, ok, err := o.w.node.core.Store.StateRow(ctx, s.id, e.Table, e.Row)
		if err != nil {
			return err
		}
		for name, v := range e.Cols {
			c := t.Column(name)
			stands := ok && cell(row.Cols[name]) == cell(c.Normal(v))
			rev := out.Rev
			if t.RuleOf(c) == schema.Review && stands {
				// A value that stood already stays its first writer's, since then.
				if stands, rev, err = o.officeWrote(ctx, s, t, e.Row, name); err != nil {
					return err
				}
			}
			if t.RuleOf(c) == schema.Latest && !stands {
				o.fail(broken("I12", "the office's later value of %s.%s lost against an earlier one", e.Table, name))
			}
			if stands && len(edits) == 1 {
				hlc, err := o.hlc(ctx, s)
				if err != nil {
					return err
				}
				o.model.last[place{e.Row, name}] = officeValue{rev, hlc, cell(c.Normal(v))}
			} else {
				delete(o.model.last, place{e.Row, name})
			}
		}
	}
	return nil
}

// officeWrote says whether the value of a column came from the office, and at
// which rev.
func (o *oracle) officeWrote(ctx context.Context, s *site, t *schema.Table, row uuid.UUID, column string) (bool, uint64, error) {
	var b []byte
	err := o.w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT clock FROM state_`+t.Name+` WHERE centre = $1 AND id = $2`, s.id[:], row[:]).Scan(&b)
	})
	if err != nil {
		return false, 0, err
	}
	clock, err := reconcile.DecodeClock(t, b)
	if err != nil {
		return false, 0, err
	}
	stamp, ok := clock.Stamp(column)
	return ok && stamp.Office, stamp.Rev, nil
}

func (o *oracle) hlc(ctx context.Context, s *site) (hlc uint64, err error) {
	err = o.w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		var n int64
		err := tx.QueryRowContext(ctx, `SELECT hlc FROM stream WHERE centre = $1`, s.id[:]).Scan(&n)
		hlc = uint64(n)
		return err
	})
	return hlc, err
}

// forget drops what is known of the columns once a person decided.
func (o *oracle) forget(*site, uuid.UUID) {
	clear(o.model.last)
	clear(o.model.state)
}

// pushed judges what became of changes that the server has just taken in.
func (m *model) pushed(_ logKey, mem *memory, fresh []*changelog.Change) error {
	ctx := context.Background()
	may, err := m.o.audience(ctx, mem.phone)
	if err != nil {
		return err
	}
	if err := whole(mem, fresh); err != nil {
		return err
	}
	want := map[place]contested{}
	for _, ch := range fresh {
		if err := m.one(ctx, mem, ch, may, want); err != nil {
			return err
		}
	}
	for at, v := range want {
		delete(m.last, at)
		row, ok, err := m.o.w.node.core.Store.StateRow(ctx, mem.site.id, v.table, at.row)
		if err != nil {
			return err
		}
		if ok && cell(row.Cols[at.col]) != v.value {
			return broken("I12", "%s.%s is %s, by the protocol's rule it is %s", v.table, at.col, cell(row.Cols[at.col]), v.value)
		}
	}
	return nil
}

// whole looks that each transaction took effect whole or not at all: where one of
// its changes is held or denied, all are, for the sake of that one (P3).
func whole(mem *memory, fresh []*changelog.Change) error {
	for i, n := 0, 0; i < len(fresh); i = n {
		code, own := mem.without(fresh[i].Seq), 0
		for n = i; n < len(fresh) && fresh[n].Txn == fresh[i].Txn; n++ {
			if got := mem.without(fresh[n].Seq); got != code {
				return broken("P3", "a transaction of %s was cut: change %d is %q and change %d is %q", mem.phone.name, fresh[i].Seq, code, fresh[n].Seq, got)
			}
			if reason(mem.outcome[fresh[n].Seq]) != "transaction" {
				own++
			}
		}
		if code != "" && own != 1 {
			return broken("P3", "%d changes of one transaction of %s are each %s for a reason of their own", own, mem.phone.name, code)
		}
	}
	return nil
}

// without is the code of a change that has no effect; "" for one that has.
func (m *memory) without(seq uint64) syncproto.OutcomeCode {
	if code := m.code[seq]; code == syncproto.Held || code == syncproto.Denied {
		return code
	}
	return ""
}

// contested is what a column under the rule latest has to hold once a batch is
// in, where the office wrote it before: its value, or the log's own (mine).
type contested struct {
	table, value string
	mine         bool
}

// latest lays one more value of a log over a column that the office wrote. What
// the log itself wrote last, and what its writer knew of, gives way.
func latest(stands contested, office officeValue, base, hlc uint64, value string) contested {
	if stands.mine || office.rev <= base || hlc > office.hlc {
		stands.value, stands.mine = value, true
	}
	return stands
}

func (m *model) one(ctx context.Context, mem *memory, ch *changelog.Change, may map[uuid.UUID]bool, want map[place]contested) error {
	code, outcome := mem.code[ch.Seq], mem.outcome[ch.Seq]
	t := m.o.w.template.today.Table(ch.Table)
	switch reason(outcome) {
	case "undecodable", "unknown-table", "unknown-column", "bad-value", "internal":
		return broken("P3", "a sound change of %s (%s) was held: %s", mem.phone.name, ch.Table, outcome)
	}
	root, live, err := m.root(ctx, mem.site, ch)
	if err != nil {
		return err
	}
	if code == "held" || code == "denied" {
		if live && ch.Op == changelog.Insert && reason(outcome) != "row-exists" && !m.o.w.elsewhereNow(mem, ch) {
			return broken("P3", "a %s that is %s has its effect: %s", ch.Table, code, outcome)
		}
		return nil
	}
	if !live {
		return broken("I1", "a %s of %s was applied and is not in the state", ch.Table, mem.phone.name)
	}
	if !may[root] {
		return broken("P7", "a %s of %s was applied on a root that is not of its audience", ch.Table, mem.phone.name)
	}
	if code == "conflict" {
		if err := m.readable(ctx, mem.site, ch); err != nil {
			return err
		}
	}
	if err := m.transitions(mem, t, ch); err != nil || ch.Op != changelog.Update {
		return err
	}
	for name, v := range ch.Cols {
		at, c := place{ch.Row, name}, t.Column(name)
		office, ok := m.last[at]
		if !ok {
			continue
		}
		if t.RuleOf(c) == schema.Latest {
			stands, again := want[at]
			if !again {
				stands = contested{table: ch.Table, value: office.value}
			}
			want[at] = latest(stands, office, ch.Base, min(ch.HLC, uint64(m.o.w.at.UnixMilli())<<16), cell(c.Normal(v)))
			continue // another change of this batch may follow
		}
		if t.RuleOf(c) == schema.Review && office.rev > ch.Base && office.value != cell(c.Normal(v)) && code != "conflict" {
			return broken("I12", "two values of %s.%s, which a person must decide, were settled as %q", ch.Table, name, code)
		}
		delete(m.last, at)
	}
	return nil
}

// transitions looks that a state went along a declared step.
func (m *model) transitions(mem *memory, t *schema.Table, ch *changelog.Change) error {
	for name, v := range ch.Cols {
		at, c := place{ch.Row, name}, t.Column(name)
		to, _ := v.(string)
		if t.RuleOf(c) != schema.State {
			continue
		}
		from, known := m.state[at]
		m.state[at] = to
		if !known || from == to || ch.Op != changelog.Update {
			continue
		}
		if allowed, may := c.Step(from, to, schema.Installer); !allowed || !may {
			return broken("I12", "%s moved a %s from %s to %s, which is no declared step", mem.phone.name, ch.Table, from, to)
		}
	}
	return nil
}

// reason takes the reason out of an outcome's text.
func reason(outcome string) string {
	for i := range outcome {
		if outcome[i] == ' ' {
			rest := outcome[i+1:]
			for j := range rest {
				if rest[j] == ' ' {
					return rest[:j]
				}
			}
		}
	}
	return ""
}

// elsewhereNow says whether another log, or an earlier change, made the row.
func (w *world) elsewhereNow(mine *memory, ch *changelog.Change) bool {
	for _, m := range w.oracle.logs {
		for seq, other := range m.change {
			if other.Row == ch.Row && other.Op == changelog.Insert && (m != mine || seq != ch.Seq) {
				return true
			}
		}
	}
	return false
}

// root reads under which root a row stands; live is false where it is not
// there.
func (m *model) root(ctx context.Context, s *site, ch *changelog.Change) (root uuid.UUID, live bool, err error) {
	err = m.o.w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT root FROM state_`+ch.Table+` WHERE centre = $1 AND id = $2 AND deleted = 0`, s.id[:], ch.Row[:]).Scan(&root)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return root, false, nil
	}
	return root, err == nil, err
}

// readable looks that a conflict left both values to be read (P5).
func (m *model) readable(ctx context.Context, s *site, ch *changelog.Change) error {
	var losers, cases int
	err := m.o.w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT (SELECT count(*) FROM loser WHERE centre = $1 AND row = $2), (SELECT count(*) FROM case_file WHERE centre = $1 AND row = $2)`,
			s.id[:], ch.Row[:]).Scan(&losers, &cases)
	})
	if err == nil && ch.Op == changelog.Update && (losers == 0 || cases == 0) {
		return broken("I12", "a conflict on %s left %d losing values and %d cases", ch.Table, losers, cases)
	}
	return err
}
