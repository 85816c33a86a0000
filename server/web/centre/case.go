package centre

import (
	"fmt"
	"strings"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/syncproto/schema"
)

// sideView is one of the two values of a case on the screen.
type sideView struct {
	Pieces   []piece
	Empty    bool
	Who      string
	Role     schema.Role
	Office   bool
	Wall     int64 // what the writer's clock said
	Received int64 // when the server knew
	Late     bool  // the server knew more than ten minutes later
	Proposed bool
}

// heldLine is one change of a held transaction on the screen.
type heldLine struct {
	Table  string
	Op     string
	Who    string
	Wall   int64
	Reason string
	Cells  []heldCell
}

type heldCell struct{ Label, Was, Value string }

// caseView is one case on the screen.
type caseView struct {
	report.Case
	Title      string // what it is about, in the trade's words
	Words      string // the rule that proposed, in words
	Detail     string // the broken rule of a held change, in words
	Standing   *sideView
	Other      *sideView
	Writers    []*sideView // of a case that is no choice: who wrote what
	Was        string      // what the writer had seen before
	HasWas     bool
	Values     bool // there are two values to choose from
	Held       bool
	Lines      []heldLine
	Base       uint64 // rev of the row as shown
	Now        string // value of the row as it is now
	Editable   bool
	EditKind   string // text, number, money, time, bool, choice, long
	EditValue  string
	Choices    []string
	Col        *schema.Column // nil for a case without a column
	NeedReason bool           // whichever verdict
	Mine       bool           // this role may change the field
	Decider    string
	Asked      []askedView
	Answers    []answerView
	CanRevise  bool
	Undoing    string // the verdict that would undo the standing decision of a case without values
	Story      []ruledView
	Clock      *clockView
	Fork       *forkView
	Claim      *claimView // somebody else has it open
	Changed    bool       // the row stands on another value than before the decision
}

type askedView struct {
	Who  string
	At   int64
	Text string
}

// viewCase puts a case into words. f is the case's job, or nil for a case of
// another root.
func (r *Reconciliation) viewCase(t *teller, role schema.Role, k report.Case, f *report.JobFile, ruled []report.Ruled) *caseView {
	v := &caseView{Case: k, Held: k.Kind == report.CaseHeld || k.Kind == report.CaseHandover}
	v.Title = t.table(k.Table)
	col := t.column(k.Table, k.Column)
	if col != nil {
		v.Title += " · " + col.Label.In(t.c.Lang)
	}
	v.Col = col
	v.Values = col != nil && office.HasValues(&k)
	v.Detail = detail(k.Sides.Detail, t.c.Lang)
	v.NeedReason = k.Sides.Rule == schema.Review
	if v.Values {
		r.viewSides(t, role, v, col)
	} else {
		v.Writers = writers(t, &k)
	}
	v.Words = ruleWords(t, v)
	for _, ch := range k.Sides.Changes {
		v.Lines = append(v.Lines, viewHeld(t, ch))
	}
	if f != nil && v.Values {
		if row, ok := f.Find(k.Table, k.Row); ok {
			v.Base, v.Now = row.Rev, t.value(col, row.Cols[k.Column])
			standing, err := report.CellValue(col, k.Sides.Standing.Value)
			v.Changed = err == nil && !schema.Equal(row.Cols[k.Column], standing)
		}
	}
	v.Decider = t.name(k.DecidedBy)
	v.CanRevise = !k.Open && v.Values && v.Mine
	for _, d := range ruled {
		if d.Verdict == office.VerdictAsk {
			v.Asked = append(v.Asked, askedView{Who: t.name(d.By), At: d.At, Text: d.Reason})
		}
	}
	v.Answers = answers(t, f, v.Asked)
	v.Story = viewStory(t, ruled)
	if k.Sides.Clock != nil {
		v.Clock = viewClock(t, k.Sides.Clock)
	}
	if v.Title == "" || k.Table == "" {
		v.Title = t.c.T("queue.kind."+k.Kind) + " · " + t.name(k.Root)
	}
	if !v.Values {
		v.Undoing = office.Undoing(&k, ruled)
	}
	return v
}

// writers are the sides of a case that is no choice between values.
func writers(t *teller, k *report.Case) []*sideView {
	var out []*sideView
	for _, s := range []*report.Side{k.Sides.Standing, k.Sides.Other} {
		if s == nil {
			continue
		}
		v := viewSide(t, s)
		v.Pieces = add(nil, []rune(t.told(t.column(k.Table, k.Column), s.Value)), true)
		out = append(out, v)
	}
	return out
}

func (r *Reconciliation) viewSides(t *teller, role schema.Role, v *caseView, col *schema.Column) {
	table := t.schema.Table(v.Table)
	v.Mine = table.MayWrite(col, role)
	a := t.told(col, v.Sides.Standing.Value)
	v.Standing = viewSide(t, v.Sides.Standing)
	v.Standing.Proposed = v.Sides.Proposal != "other"
	if v.Sides.Other != nil {
		b := t.told(col, v.Sides.Other.Value)
		v.Other = viewSide(t, v.Sides.Other)
		v.Other.Proposed = !v.Standing.Proposed
		v.Standing.Pieces, v.Other.Pieces = compare(a, b)
		v.Other.Empty = b == ""
	} else {
		v.Standing.Pieces = add(nil, []rune(a), true)
	}
	v.Standing.Empty = a == ""
	if v.Sides.Was != nil {
		v.Was, v.HasWas = t.told(col, v.Sides.Was), true
	}
	v.EditKind = editKind(col)
	v.Editable = v.EditKind != "" && v.Mine
	if cell, err := report.CellValue(col, v.Proposed().Value); err == nil {
		v.EditValue = t.input(col, cell)
	}
	v.Choices = col.Values
}

func viewSide(t *teller, s *report.Side) *sideView {
	role := schema.Role(s.Role)
	return &sideView{Who: t.name(s.Actor), Role: role, Office: s.Office, Wall: s.Wall, Received: s.Received,
		Late: s.Received-s.Wall > 10*60*1000}
}

// editKind is the field that a third value is typed into; "" where none may
// be.
func editKind(c *schema.Column) string {
	switch c.Type {
	case schema.Text:
		if len(c.Values) > 0 {
			return "choice"
		}
		if c.Max > 400 {
			return "long"
		}
		return "text"
	case schema.Int:
		return "number"
	case schema.Money:
		return "money"
	case schema.Time:
		return "time"
	case schema.Bool:
		return "bool"
	}
	return ""
}

// ruleWords says in a sentence which rule made the proposal.
func ruleWords(t *teller, v *caseView) string {
	if v.Held {
		return t.c.T("case.rule.held")
	}
	if !v.Values {
		return t.c.T("case.rule." + v.Kind)
	}
	label := v.Col.Label.In(t.c.Lang)
	side := v.Proposed()
	key := "case.rule." + string(v.Sides.Rule)
	if v.Kind == report.CaseMerged {
		key = "case.auto." + string(v.Sides.Rule)
	}
	return t.c.T(key, label, t.name(side.Actor), t.moment(side.Wall))
}

// detail picks the reader's language of a broken rule: Chinese above, English
// below.
func detail(both, lang string) string {
	zh, en, ok := strings.Cut(both, "\n")
	if ok && lang == "en" && strings.TrimSpace(en) != "" {
		return strings.TrimSpace(en)
	}
	return strings.TrimSpace(zh)
}

func viewHeld(t *teller, ch report.HeldChange) heldLine {
	l := heldLine{Table: t.table(ch.Table), Who: t.name(ch.Actor), Wall: ch.Wall}
	switch ch.Op {
	case 1:
		l.Op = t.c.T("case.op.insert")
	case 2:
		l.Op = t.c.T("case.op.update")
	case 3:
		l.Op = t.c.T("case.op.delete")
	}
	if ch.Reason != "" && ch.Reason != "transaction" {
		l.Reason = t.c.T("case.reason." + ch.Reason)
	}
	tab := t.schema.Table(ch.Table)
	if tab == nil {
		for k, v := range ch.Cols {
			l.Cells = append(l.Cells, heldCell{Label: k, Value: short(v)})
		}
		return l
	}
	for _, c := range tab.Columns {
		v, ok := ch.Cols[c.Name]
		if !ok || c.Name == tab.ParentColumn {
			continue
		}
		cell := heldCell{Label: c.Label.In(t.c.Lang), Value: t.told(c, v)}
		if was, ok := ch.Was[c.Name]; ok {
			cell.Was = t.told(c, was)
		}
		l.Cells = append(l.Cells, cell)
	}
	return l
}

// short bounds a value of an unknown column.
func short(v any) string {
	s := strings.ReplaceAll(fmt.Sprint(v), "\n", " ")
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
