package bundle

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

//go:embed page.html
var pageText string

// pageData is what index.html is drawn from.
type pageData struct {
	M        *Manifest
	Title    string
	Facts    []pair
	Pictures []picture
	Papers   []picture
	Absent   []string
	Signed   []signed
	Orders   []orderView
	Apart    bool // a bundle of one defect: orders are not in it
	Story    []moment
	Cases    []caseView
	Losers   []loserView
	Phones   []phoneView
	Shown    int
	Hidden   int
}

type pair struct {
	Label Words
	Value string
}

// picture is an attachment with its thumbnail; Show is "" where browsers draw
// neither.
type picture struct {
	Attachment
	Show    string
	Caption Words
	By      string
	When    string
	Span    string
	Place   string // where a photo was taken; "" where it has no position
}

type signed struct {
	Signer, Outcome, State Words
	Tone                   string
	At, Reason             string
	Picture, Content, Hash string
	Changed                []cell // what it covered and is otherwise now
}

// moment is one change in the story.
type moment struct {
	No       int
	Who      string
	Role     Words
	Where    string // the log and number
	Wall     string
	Span     string // when it was recorded, in the server's time
	Received string
	Late     bool
	What     Words
	Cells    []cell
	Outcome  Words
	Tone     string
}

type cell struct {
	Label Words
	Value string
	Was   string
	Link  string
}

type caseView struct {
	Case
	Kind, Field        Words
	Opened, Decided    string
	One, Two           string
	OneWho, TwoWho, By string
	VerdictWords       Words
}

type loserView struct {
	Field     Words
	Value     string
	Who, When string
	Rule      Words
}

type phoneView struct {
	Device
	Owner, Enrolled, Revoked, Fingerprint string
}

// page draws index.html: no script, every value escaped.
func (b *Bundle) page(m *Manifest) ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"time": clock, "size": bytesText, "short": func(s string) string { return s[:min(len(s), 16)] },
	}).Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("page of a bundle: %w", err)
	}
	d := pageData{M: m, Title: cmp.Or(m.Job.Name, m.Job.ID.String()), Facts: b.facts()}
	for _, l := range m.Logs {
		d.Shown, d.Hidden = d.Shown+l.Shown, d.Hidden+l.Hidden
	}
	b.pictures(m, &d)
	b.signatures(m, &d)
	for i, e := range b.c.entries {
		d.Story = append(d.Story, b.moment(i+1, e, m))
	}
	b.matters(m, &d)
	for _, p := range m.Devices {
		v := phoneView{Device: p, Owner: b.name(p.Person), Enrolled: clock(p.EnrolledAt), Fingerprint: Fingerprint(p.PublicKey)}
		if p.RevokedAt != 0 {
			v.Revoked = clock(p.RevokedAt)
		}
		d.Phones = append(d.Phones, v)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, d); err != nil {
		return nil, fmt.Errorf("page of a bundle: %w", err)
	}
	return out.Bytes(), nil
}

func (b *Bundle) facts() []pair {
	var out []pair
	add := func(table, column string, row schema.Row) {
		t := b.c.m.Schema.Table(table)
		if t == nil || t.Column(column) == nil || row.Cols[column] == nil {
			return
		}
		if v := b.value(t.Column(column), row.Cols, row.Cols[column]); v != "" {
			out = append(out, pair{label(t.Column(column).Label), v})
		}
	}
	head, _ := b.c.file.Head()
	for _, c := range []string{"job_no", "kind", "status", "intake_at", "asked_work", "warranty", "contract_no", "product", "slot_from", "slot_to", "cancel_reason", "registered_at", "complete"} {
		add("job", c, head.Row)
	}
	for _, c := range []string{"name", "phone", "address"} {
		add("job_contact", c, b.c.file.First("job_contact").Row)
	}
	for _, d := range b.c.file.All("defect") {
		for _, c := range []string{"no", "class", "text", "drawing_size", "actual_size", "status"} {
			add("defect", c, d.Row)
		}
	}
	return out
}

// drawn says whether browsers draw a type.
func drawn(media string) bool {
	return media == "image/jpeg" || media == "image/png" || media == "image/webp"
}

func (b *Bundle) pictures(m *Manifest, d *pageData) {
	preview := map[uuid.UUID]string{} // row → path
	for _, a := range m.Files {
		for _, n := range a.Named {
			if n.Column == "preview" {
				preview[n.Row] = a.Path
			}
		}
	}
	places := report.PhotoPlaces(&b.c.file)
	for _, a := range m.Files {
		if a.Purpose == "preview" {
			continue
		}
		n := a.Named[0]
		when := fieldwork.Interval{Earliest: n.Earliest, Latest: n.Latest}
		p := picture{Attachment: a, By: b.name(n.By), When: clock(n.Wall), Span: span(when), Caption: b.columnWords(n.Table, n.Column)}
		if t := b.c.m.Schema.Table(n.Table); t != nil && t.Column("role") != nil && n.Role != "" {
			p.Caption = valueWords(t.Column("role"), n.Role)
		}
		switch {
		case drawn(a.Type):
			p.Show = a.Path
		case preview[n.Row] != "":
			p.Show = preview[n.Row]
		}
		if n.Table == "photo" {
			p.Place = placeText(places[n.Row])
			d.Pictures = append(d.Pictures, p)
		} else {
			d.Papers = append(d.Papers, p)
		}
	}
	for _, a := range m.Absent {
		if a.Purpose != "preview" {
			text := b.columnWords(a.Named[0].Table, a.Named[0].Column).String() + " · " + a.SHA256
			if a.Lost {
				text += " · 服务器曾经收下,存储中已找不到 · the server had it, and its storage has lost it"
			}
			d.Absent = append(d.Absent, text)
		}
	}
}

func (b *Bundle) signatures(m *Manifest, d *pageData) {
	paths := map[string]string{}
	for _, a := range m.Files {
		paths[a.SHA256] = a.Path
	}
	t := b.c.m.Schema.Table("signature")
	for _, v := range b.c.file.All("visit") {
		rows := office.VisitRows(&b.c.file, v)
		for _, s := range b.c.file.Where("signature", "visit", v.ID) {
			out := signed{Signer: valueWords(t.Column("signer"), s.Text("signer")), Outcome: valueWords(t.Column("outcome"), s.Text("outcome")), At: clock(s.Int("at")),
				Reason: tidy(s.Text("reason")), Content: tidy(fieldwork.Readable(s.Text("content"))), Hash: hexOf(s.Bytes("content_hash")), Picture: paths[hexOf(s.Bytes("image"))]}
			out.State, out.Tone = stateWords(fieldwork.StandingOf(s.Row, rows))
			if out.Tone == "warn" {
				out.Changed = b.changedSince(s.Row, rows)
			}
			d.Signed = append(d.Signed, out)
		}
	}
	d.Apart = b.c.subject.Defect != uuid.Nil
	b.staffSignatures(d, paths)
}

// changedSince names the values that a superseded signature covered and that
// are otherwise now.
func (b *Bundle) changedSince(s schema.Row, rows fieldwork.VisitRows) []cell {
	changes, _ := fieldwork.ChangedSince(s, rows)
	return b.changes(changes)
}

func (b *Bundle) changes(changes []fieldwork.Changed) []cell {
	var out []cell
	for _, c := range changes {
		t := b.c.m.Schema.Table(c.Table)
		if t == nil {
			continue
		}
		out = append(out, cell{Label: b.columnWords(c.Table, c.Column), Was: b.value(t.Column(c.Column), nil, c.Was), Value: b.value(t.Column(c.Column), nil, c.Now)})
	}
	return out
}

func stateWords(s fieldwork.SignatureState) (Words, string) {
	switch s {
	case fieldwork.SignatureCovers:
		return Words{"有效:所签内容与现在的记录一致", "Stands: what was signed is what the records say"}, "ok"
	case fieldwork.SignatureSuperseded:
		return Words{"已失效,需重签:签后内容有改动", "Superseded: what it covered was changed afterwards"}, "warn"
	}
	return Words{}, ""
}

func (b *Bundle) moment(no int, e *entry, m *Manifest) moment {
	ch := e.change
	out := moment{No: no, Who: b.name(ch.Actor), Role: roleWords(b.c.file.Roles[ch.Actor], ch.Actor), Where: fmt.Sprintf("%s #%d", e.Device.String()[24:], e.Seq),
		Wall: clock(ch.Wall), Span: span(e.when()), Received: clock(e.batch.ReceivedAt), Late: !e.office && e.batch.ReceivedAt-ch.Wall > 600_000}
	t := b.c.m.Schema.Table(ch.Table)
	op := map[changelog.Op]Words{changelog.Insert: {"新增", "new"}, changelog.Update: {"修改", "changed"}, changelog.Delete: {"删除", "deleted"}}[ch.Op]
	name := Words{tidy(ch.Table), tidy(ch.Table)}
	if t != nil {
		name = label(t.Label)
	} else if w, ok := entryWords(ch.Table); ok {
		name = w
	}
	out.What = Words{op.ZH + " " + name.ZH, op.EN + " " + name.EN}
	paths := map[string]string{}
	for _, a := range m.Files {
		paths[a.SHA256] = a.Path
	}
	for _, col := range columnsOf(t, ch) {
		out.Cells = append(out.Cells, b.cell(t, col, ch, paths))
	}
	if o := e.outcome; o != nil {
		out.Outcome, out.Tone = outcomeWords(o.Code, o.Reason)
	}
	return out
}

func (b *Bundle) matters(m *Manifest, d *pageData) {
	for _, k := range m.Cases {
		v := caseView{Case: k, Kind: caseWords(k.Kind), Opened: clock(k.OpenedAt)}
		if k.Table != "" && k.Column != "" {
			v.Field = b.columnWords(k.Table, k.Column)
		} else if t := b.c.m.Schema.Table(k.Table); t != nil {
			v.Field = label(t.Label)
		}
		if k.Standing != nil {
			v.One, v.OneWho = b.sideText(&k, k.Standing.Value), b.name(k.Standing.By)+" · "+clock(k.Standing.Wall)
		}
		if k.Other != nil {
			v.Two, v.TwoWho = b.sideText(&k, k.Other.Value), b.name(k.Other.By)+" · "+clock(k.Other.Wall)
		}
		if !k.Open {
			v.Decided = clock(k.DecidedAt)
			if k.DecidedBy != nil {
				v.By = b.name(*k.DecidedBy)
			}
			if t := b.c.m.Schema.Table("decision"); t != nil {
				v.VerdictWords = valueWords(t.Column("verdict"), k.Verdict)
			}
		}
		d.Cases = append(d.Cases, v)
	}
	for _, l := range m.Losers {
		d.Losers = append(d.Losers, loserView{Field: b.columnWords(l.Table, l.Column), Value: b.jsonText(l.Table, l.Column, l.Value), Who: b.name(l.By), When: clock(l.Wall), Rule: ruleWords(l.Rule)})
	}
}
