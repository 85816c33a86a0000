package reconcile

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// work is one transaction being applied.
type work struct {
	*Fold
	unit    txn
	outs    []Outcome
	done    []fieldwork.Written
	roleOf  schema.Role
	current uint64 // seq of the change in hand
	byRules bool   // released work is folded by all rules, not forced by a person's word
}

func held(reason syncproto.Reason, root uuid.UUID) *finding {
	return &finding{code: syncproto.Held, reason: reason, root: root}
}

func denied(reason syncproto.Reason) *finding {
	return &finding{code: syncproto.Denied, reason: reason}
}

// change applies one change, or says why it cannot.
func (w *work) change(ctx context.Context, it Item) (*finding, error) {
	ch := it.Change
	w.current = it.Seq
	t := w.e.d.Table(ch.Table)
	if t == nil {
		return held(syncproto.UnknownTable, ch.Row), nil
	}
	role, fd, err := w.writer(ctx, ch)
	if err != nil || fd != nil {
		return fd, err
	}
	w.roleOf = role
	extra, fd := w.columns(t, ch, role)
	if fd != nil {
		return fd, nil
	}
	row, err := w.row(ctx, t.Name, ch.Row)
	if err != nil {
		return nil, err
	}
	if fd, err := w.audience(ctx, t, ch, row); err != nil || fd != nil {
		return fd, err
	}
	switch ch.Op {
	case changelog.Insert:
		fd, err = w.insert(ctx, t, ch, row, extra)
	case changelog.Update:
		fd, err = w.update(ctx, t, ch, row, extra)
	default:
		fd, err = w.remove(ctx, t, ch, row)
	}
	if err != nil || fd != nil {
		return fd, err
	}
	after, err := w.row(ctx, t.Name, ch.Row)
	if err != nil {
		return nil, err
	}
	w.done = append(w.done, fieldwork.Written{Table: t.Name, ID: ch.Row, Op: uint8(ch.Op), Cols: ch.Cols, After: after.Row})
	return nil, w.effectsOf(ctx, t, ch, row, after)
}

// writer finds the role of the change's actor: of the device's person for a
// phone, of the office's person for an office log, the server for nobody.
func (w *work) writer(ctx context.Context, ch *changelog.Change) (schema.Role, *finding, error) {
	if w.unit.Office && ch.Actor == uuid.Nil {
		return schema.Server, nil, nil
	}
	if !w.unit.Office && ch.Actor != w.unit.Person {
		return "", denied(syncproto.NotActor), nil
	}
	p, ok := w.people[ch.Actor]
	if !ok {
		var err error
		if p, err = w.tx.Person(ctx, ch.Actor); err != nil {
			return "", nil, err
		}
		w.people[ch.Actor] = p
	}
	if p == nil || p.Deleted {
		return "", denied(syncproto.NotActor), nil
	}
	return schema.Role(p.Text("role")), nil, nil
}

// columns checks names, writers and values; unknown columns of a newer schema
// come back as extra.
func (w *work) columns(t *schema.Table, ch *changelog.Change, role schema.Role) (map[string]any, *finding) {
	if !t.MayTouch(role) {
		return nil, denied(syncproto.NotWriter)
	}
	newer := ch.Schema > uint64(w.e.d.Version)
	wrote := int(min(ch.Schema, uint64(w.e.d.Version))) // what the writer's app knew
	var extra map[string]any
	for _, name := range sortedNames(ch.Cols) {
		c, v := t.Column(name), ch.Cols[name]
		if c == nil {
			if !newer {
				return nil, held(syncproto.UnknownColumn, uuid.Nil)
			}
			if extra == nil {
				extra = map[string]any{}
			}
			extra[name] = v
			continue
		}
		if !t.MayWrite(c, role) {
			return nil, denied(syncproto.NotWriter)
		}
		if !c.Fits(v) {
			return nil, held(syncproto.BadValue, uuid.Nil)
		}
	}
	if ch.Op == changelog.Insert {
		for _, c := range t.Columns {
			if c.RequiredAt(wrote) && ch.Cols[c.Name] == nil {
				return nil, held(syncproto.BadValue, uuid.Nil)
			}
		}
	}
	if ch.Op == changelog.Delete && len(ch.Cols) > 0 {
		return nil, held(syncproto.BadValue, uuid.Nil)
	}
	return extra, nil
}

// audience refuses rows that the device does not see, and parks what comes
// behind a held change on the same root.
func (w *work) audience(ctx context.Context, t *schema.Table, ch *changelog.Change, row *Row) (*finding, error) {
	var root uuid.UUID
	if row != nil {
		root = row.Root
	} else {
		r, fd, err := w.rootOf(ctx, t, ch, w.unit.Person)
		if err != nil {
			return nil, err
		}
		if fd != nil {
			if fd.reason == syncproto.RowUnknown && fd.root != uuid.Nil {
				return &finding{code: syncproto.Held, reason: syncproto.Behind, root: fd.root}, nil
			}
			return fd, nil
		}
		root = r
	}
	if _, ok := w.heldRoot[root]; ok && !w.unit.force && !(t.Rule == schema.Fact && ch.Op == changelog.Insert) {
		return held(syncproto.Behind, root), nil
	}
	if w.unit.Office || w.unit.force || (row == nil && t.Name == "job") {
		return nil, nil
	}
	switch t.Root {
	case schema.RootJob:
		return w.crewOnly(ctx, root)
	case schema.RootPerson:
		if root == w.unit.Person {
			return nil, nil
		}
	case schema.RootCentre:
		return nil, nil
	}
	return held(syncproto.RowUnknown, root), nil
}

// crewOnly lets the job's crew through. Work of somebody who has left the crew
// is kept and becomes a case; to all others the job does not exist.
func (w *work) crewOnly(ctx context.Context, root uuid.UUID) (*finding, error) {
	m, was, err := w.member(ctx, w.unit.Person, root)
	if err != nil || (was && m.Active()) {
		return nil, err
	}
	fd := held(syncproto.RowUnknown, root)
	if was {
		fd.kind = CaseHandover
	}
	return fd, nil
}

// rootOf finds the root of a new row by its parent chain. Where the parent is
// itself held, the finding carries the root it is held under.
func (f *Fold) rootOf(ctx context.Context, t *schema.Table, ch *changelog.Change, person uuid.UUID) (uuid.UUID, *finding, error) {
	if t.Parent == "" {
		switch t.Root {
		case schema.RootJob:
			return ch.Row, nil, nil
		case schema.RootPerson:
			return person, nil, nil
		case schema.RootOffice:
			return officeRoot(f.centre), nil, nil
		}
		return f.centre, nil, nil
	}
	if ch.Op != changelog.Insert {
		// A change of a row that is not there: behind its own held insert, or
		// of nothing known.
		return uuid.Nil, held(syncproto.RowUnknown, f.heldRow[Key{t.Name, ch.Row}]), nil
	}
	b, _ := ch.Cols[t.ParentColumn].([]byte)
	parent, err := uuid.FromBytes(b)
	if err != nil {
		return uuid.Nil, held(syncproto.BadValue, uuid.Nil), nil
	}
	p, err := f.row(ctx, t.Parent, parent)
	if err != nil {
		return uuid.Nil, nil, err
	}
	if p == nil {
		return uuid.Nil, held(syncproto.RowUnknown, f.heldRow[Key{t.Parent, parent}]), nil
	}
	if p.Deleted {
		return p.Root, held(syncproto.RowDeleted, p.Root), nil
	}
	return p.Root, nil, nil
}

// officeRoot is the root of a centre's office rows, which no phone sees.
func officeRoot(centre uuid.UUID) uuid.UUID {
	return uuid.NewSHA1(centre, []byte("siteledger office"))
}

// OfficeRoot is the root of a centre's office rows.
func OfficeRoot(centre uuid.UUID) uuid.UUID { return officeRoot(centre) }

// guard runs the trade's own rules over the whole transaction.
func (w *work) guard(ctx context.Context) (*finding, error) {
	if w.unit.force || w.roleOf == schema.Server {
		return nil, nil
	}
	actor := w.unit.items[0].Change.Actor
	v, err := fieldwork.Check(w.e.d, w.done, w.roleOf, actor, &rulesReader{ctx: ctx, f: w.Fold})
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, nil
	}
	if v.Index < 0 || v.Index >= len(w.unit.items) {
		return nil, errors.New("fieldwork: violation of no change")
	}
	ch := w.unit.items[v.Index].Change
	row, err := w.row(ctx, ch.Table, ch.Row)
	if err != nil {
		return nil, err
	}
	fd := &finding{code: syncproto.Held, reason: syncproto.Rule, zh: v.ZH, en: v.EN, index: v.Index}
	if row != nil {
		fd.root = row.Root
	}
	return fd, nil
}

// rulesReader lets the trade's rules read state through the overlay.
type rulesReader struct {
	ctx context.Context
	f   *Fold
}

// Row reads a live row.
func (r *rulesReader) Row(table string, id uuid.UUID) (schema.Row, bool, error) {
	row, err := r.f.live(r.ctx, table, id)
	if err != nil || row == nil {
		return schema.Row{}, false, err
	}
	return row.Row, true, nil
}

// Children reads the live rows under a parent.
func (r *rulesReader) Children(table, column string, parent uuid.UUID) ([]schema.Row, error) {
	rows, err := r.f.find(r.ctx, table, column, parent[:])
	if err != nil {
		return nil, err
	}
	out := make([]schema.Row, len(rows))
	for i, row := range rows {
		out[i] = row.Row
	}
	return out, nil
}
