package centre

import (
	"time"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/changelog"
)

// clockView is a doubtful clock on the screen.
type clockView struct {
	report.ClockSide
	Fixed bool // it was off by the same all the time
	Lines []touchedView
}

// touchedView is one record whose time is doubted.
type touchedView struct {
	report.Touched
	Title string
	Job   uuid.UUID // uuid.Nil for none
}

func viewClock(t *teller, s *report.ClockSide) *clockView {
	v := &clockView{ClockSide: *s, Fixed: s.Most-s.Least < time.Minute.Milliseconds()}
	for _, x := range s.Touched {
		v.Lines = append(v.Lines, touchedView{Touched: x, Title: t.table(x.Table) + " · " + t.label(x.Table, x.Column), Job: x.Root})
	}
	return v
}

// forkView is a forked log on the screen.
type forkView struct {
	report.ForkSide
	File    report.ForkFile
	Aside   []asideView
	Brought []heldLine
}

// asideView is one batch that was set aside.
type asideView struct {
	report.Aside
	Who   string
	Lines []heldLine
}

// viewFact puts a change that had no effect into the words of a held one.
func viewFact(t *teller, f report.Fact) heldLine {
	if f.Table == "" {
		return heldLine{Table: t.c.T("case.reason.undecodable"), Who: t.name(f.Actor)}
	}
	l := heldLine{Table: t.table(f.Table), Who: t.name(f.Actor), Wall: f.Wall, Op: t.c.T(map[changelog.Op]string{
		changelog.Insert: "case.op.insert", changelog.Update: "case.op.update", changelog.Delete: "case.op.delete"}[f.Op])}
	tab := t.schema.Table(f.Table)
	if tab == nil {
		for k, v := range f.Cols {
			l.Cells = append(l.Cells, heldCell{Label: k, Value: short(v)})
		}
		return l
	}
	for _, c := range tab.Columns {
		v, ok := f.Cols[c.Name]
		if !ok || c.Name == tab.ParentColumn {
			continue
		}
		cell := heldCell{Label: c.Label.In(t.c.Lang), Value: t.safe(c, v)}
		if was, ok := f.Was[c.Name]; ok {
			cell.Was = t.safe(c, was)
		}
		l.Cells = append(l.Cells, cell)
	}
	return l
}

func viewAside(t *teller, list []report.Aside) []asideView {
	var out []asideView
	for _, a := range list {
		v := asideView{Aside: a, Who: t.name(a.Person)}
		for _, f := range a.Facts {
			v.Lines = append(v.Lines, viewFact(t, f))
		}
		out = append(out, v)
	}
	return out
}

func (r *Reconciliation) viewFork(c *web.Context, t *teller, k *report.Case) (*forkView, error) {
	s := k.Sides.Fork
	v := &forkView{ForkSide: *s}
	if r.cfg.Shelf == nil {
		return v, nil
	}
	var err error
	if v.File, err = r.cfg.Shelf.Fork(c.Context(), c.Person.Centre, s.Device, s.Epoch, s.At); err != nil {
		return nil, err
	}
	v.Aside = viewAside(t, v.File.Aside)
	for _, f := range v.File.Brought {
		v.Brought = append(v.Brought, viewFact(t, f))
	}
	return v, nil
}

// ruledView is one decision in a case's story.
type ruledView struct {
	report.Ruled
	Who    string
	Undoes bool // it compensates an earlier one
}

func viewStory(t *teller, ruled []report.Ruled) []ruledView {
	var out []ruledView
	for _, d := range ruled {
		if d.Verdict != office.VerdictAsk {
			out = append(out, ruledView{Ruled: d, Who: t.name(d.By), Undoes: d.Of != uuid.Nil})
		}
	}
	return out
}

// answerView is what the technician said, or photographed, after a question.
type answerView struct {
	Who  string
	At   int64  // zero for an answer that has a day alone
	Day  string // of such an answer
	Text string
	Hash string // of a photo's preview, once it is in
}

// answers are the notes and photos of a job that came behind the first
// question about a case.
func answers(t *teller, f *report.JobFile, asked []askedView) []answerView {
	if len(asked) == 0 || f == nil {
		return nil
	}
	var out []answerView
	for _, n := range f.All("note") {
		m := n.Marks["text"]
		if n.Text("kind") == "answer" && m.Received >= asked[0].At {
			out = append(out, answerView{Who: t.name(m.Actor), At: n.Int("at"), Text: n.Text("text")})
		}
	}
	for _, p := range f.All("photo") {
		m := p.Marks["original"]
		if m.Wall < asked[0].At || m.Received < asked[0].At {
			continue
		}
		v := viewPhoto(f, p)
		out = append(out, answerView{Who: t.name(m.Actor), At: p.Int("taken_at"), Text: t.c.T("case.answer-photo"), Hash: v.Hash})
	}
	return out
}

// answered are the answers to questions that belong to no job: rows of those
// who were asked, under the questions' own ids. One that somebody else wrote
// under such an id is none.
func (r *Reconciliation) answered(c *web.Context, t *teller, ruled []report.Ruled) ([]answerView, error) {
	var out []answerView
	for _, d := range ruled {
		if d.Verdict != office.VerdictAsk {
			continue
		}
		asked, ok, err := r.cfg.Rows.StateRow(c.Context(), c.Person.Centre, "instruction", d.ID)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		row, ok, err := r.cfg.Rows.StateRow(c.Context(), c.Person.Centre, office.AnswerTable, d.ID)
		if err != nil {
			return nil, err
		}
		if ok && row.Root == asked.UUID("person") {
			out = append(out, answerView{Who: t.name(row.Root), Day: row.Text("day"), Text: row.Text(office.AnswerColumn)})
		}
	}
	return out, nil
}

// claimView is who has a case open at another desk.
type claimView struct {
	Who   string
	Since int64
}

// claimLasts is how long an opened case counts as being handled: longer than a
// telephone call about it, shorter than a break.
const claimLasts = 10 * time.Minute

// claim notes that this person has the case open, or says who has.
func (r *Reconciliation) claim(c *web.Context, t *teller, id uuid.UUID, take bool) (*claimView, error) {
	if r.cfg.Claims == nil {
		return nil, nil //nolint:nilnil // nobody else is an ordinary answer
	}
	got, err := r.cfg.Claims.Claim(c.Context(), c.Person.Centre, id, c.Person.ID, c.Now, claimLasts, take)
	if err != nil || got.Person == c.Person.ID || got.Person == uuid.Nil {
		return nil, err
	}
	return &claimView{Who: t.name(got.Person), Since: got.Since}, nil
}
