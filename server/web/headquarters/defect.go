package headquarters

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/server/web/doubt"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// shot is one photo on the stage.
type shot struct {
	ID        uuid.UUID
	No        int
	Role      string
	Hash      string // what is shown: the original once it is in, else the preview; "" for neither
	First     string // what is shown at once: the preview where it is in, for it is small
	Original  bool   // the original is in and its hash checked
	SHA       string // of the original
	Size      int64
	Type      string
	Taken     int64
	SamePlane bool
	Source    string
	Doubt     string // blurred, dark or bright, as the phone measured it
	Kept      string // why it was kept all the same
	Retake    bool
	Note      string
	Holder    string // whose phone has it while it is not in
	Contact   int64
	Heavy     bool // a type that browsers may not draw
	Undrawn   bool // it is in, and there is nothing of it that a browser draws
	Marks     markView
	Chips     []doubt.Chip // why somebody should look twice
	Unseen    bool         // it could not be compared with others by its look
	ByPreview bool         // it was compared by its preview alone
	Place     string       // where it was taken, as far as it is known
}

// fact is one line of the facts, in a fixed order.
type fact struct {
	Name, Label, Value string
	Lacking            bool
}

// verdictView is an earlier verdict.
type verdictView struct {
	Final           bool
	Verdict, Remedy string
	Lacks, Wanted   string
	Reason          string
	Store, Customer string
	By              string
	ByID            uuid.UUID
	At              int64
	Shares          []share
}

type share struct {
	Party   string
	Percent int64
	Reason  string
}

// historyLine is an earlier service of the same customer's products, or a word
// that somebody left.
type historyLine struct {
	At     int64
	By     string
	Text   string
	Appeal bool // the store's objection
}

// DefectPage is one defect with everything that a verdict needs.
type DefectPage struct {
	Centre     uuid.UUID
	CentreName string
	Defect     schema.Row
	State      string // filter of the queue that it was opened from
	Place      int
	Total      int
	Prev, Next string
	Ahead      []string // previews of the next case

	Shots    []shot
	Full     *shot
	Close    *shot
	Missing  []string
	Doubts   []string
	Chips    []doubt.Chip // of all photos
	Contract []fact
	Item     []fact
	Leftover []fact // the trade's form, all of it
	Filed    bool   // somebody has filed it
	Unfilled int    // fields that are empty

	FiledClass, FiledBy string
	FiledAt             int64
	StaffState          string // how the form's signatures stand: covers, superseded, none (SF-06)
	Staff               []staffView
	CustomerState       string // how the customer's signature of the visit stands (SF-07)
	Annexes             []annexView
	Marked              bool // some photo has marks
	Remedy              *remedyView
	Past                precedents
	Alike               alikeView
	Others              []sibling

	Sizes    bool
	Drawing  int64
	Actual   int64
	Diff     int64
	Text     string
	History  []historyLine
	Opinions []historyLine
	Verdicts []verdictView
	Recorder string
	Shipment *report.FileRow
	Appeal   bool // the store objected: another person judges
	Blind    bool // the first verdict is not shown before the second is given
	Mine     bool // this person gave the first verdict

	Open     bool         // a verdict may be given now
	Claim    *claimView   // another adjudicator has it open
	Decided  *decidedView // the verdict that closed it
	Late     bool         // a verdict that was just given had no effect
	Waiting  string
	Crack    bool
	MayJudge bool
	Evidence bool // bundles can be made

	Typed     office.Judgement
	Cost      string
	UsualCost int64 // fen: what calling goods back was estimated at lately, 0 for unknown
	Problem   string
}

// defect serves GET /headquarters/defects/{centre}/{defect}.
func (d *Door) defect(c *web.Context) error {
	return d.showDefect(c, http.StatusOK, &DefectPage{})
}

func (d *Door) showDefect(c *web.Context, status int, p *DefectPage) error {
	if err := d.loadDefect(c, p); err != nil {
		return err
	}
	return c.RenderStatus(status, "defect", web.Page{Title: c.T("defect.title") + " " + d.value(c, "defect", "class", p.Defect.Text("class")),
		Nav: "defects", Wide: true, Scripts: []string{"headquarters/marks.js", "headquarters/stage.js", "headquarters/judge.js", "headquarters/case.js"}, Data: p})
}

// loadDefect fills the page; p holds what was typed before.
func (d *Door) loadDefect(c *web.Context, p *DefectPage) error {
	centre, err := c.PathID("centre")
	if err != nil {
		return err
	}
	id, err := c.PathID("defect")
	if err != nil {
		return err
	}
	row, ok, err := d.cfg.Files.StateRow(c.Context(), centre, "defect", id)
	if err != nil {
		return err
	}
	if !ok || row.Text("status") == "open" {
		return web.NotFound() // what the technician still records is not headquarters' business
	}
	f, err := d.cfg.Files.JobFile(c.Context(), centre, row.Root)
	if err != nil {
		return err
	}
	def, ok := f.Find("defect", id)
	if !ok {
		return web.NotFound()
	}
	p.Centre, p.Defect, p.State, p.Evidence = centre, def.Row, c.Form("state"), d.cfg.Evidence != nil
	p.CentreName = f.Contact.Text("name")
	if c.Lang == web.English && f.Contact.Text("name_en") != "" {
		p.CentreName = f.Contact.Text("name_en")
	}
	d.fillPhotos(c, p, &f)
	if err := d.fillDoubts(c, p, &f); err != nil {
		return err
	}
	material, model := d.fillFacts(c, p, &f)
	d.fillVerdicts(c, p, &f, def)
	if err := d.fillLeftover(c, p, &f, def); err != nil {
		return err
	}
	if err := d.fillDesk(c, p, &f); err != nil {
		return err
	}
	if err := d.fillPrecedents(c, p, material); err != nil {
		return err
	}
	if p.Open {
		if err := d.fillCost(c, p); err != nil {
			return err
		}
		if p.Claim, err = d.claim(c, centre, id, f.People, false); err != nil {
			return err
		}
		p.Open = p.Claim == nil
	}
	p.Decided = decided(c, p)
	if err := d.fillAlike(c, p, material, model); err != nil {
		return err
	}
	return d.fillPlace(c, p)
}

// fillCost says what calling goods back was estimated at in the last week.
func (d *Door) fillCost(c *web.Context, p *DefectPage) error {
	sums, err := d.cfg.Files.VerdictSums(c.Context(), c.Now.AddDate(0, 0, -7).UnixMilli())
	if err != nil {
		return err
	}
	for _, s := range sums {
		if s.Verdict == fieldwork.VerdictReturn && s.Count > 0 {
			p.UsualCost = s.Cost / int64(s.Count)
		}
	}
	return nil
}

// sibling is another problem of the same job.
type sibling struct {
	Class, Status, Text, Link string
}

// fillPhotos lays out the stage: all photos of the defect, and which two stand
// side by side.
func (d *Door) fillPhotos(c *web.Context, p *DefectPage, f *report.JobFile) {
	photos := f.Where("photo", "defect", p.Defect.ID)
	for i, ph := range photos {
		p.Shots = append(p.Shots, viewShot(f, ph, i+1))
	}
	p.Full = newest(p.Shots, fieldwork.RoleFull, nil)
	p.Close = newest(p.Shots, fieldwork.RoleClose, p.Full)
	if p.Full == nil {
		p.Full = newest(p.Shots, "", p.Close)
	}
	if p.Close == nil {
		p.Close = newest(p.Shots, "", p.Full)
	}
	plain := report.Plain(photos)
	for _, m := range fieldwork.MissingEvidence(p.Defect, plain) {
		p.Missing = append(p.Missing, m.In(c.Lang))
	}
	for _, m := range fieldwork.Warnings(p.Defect, plain) {
		p.Doubts = append(p.Doubts, m.In(c.Lang))
	}
}

// newest is the last photo of a role, or of any role but not the other one.
func newest(shots []shot, role string, but *shot) *shot {
	for i := len(shots) - 1; i >= 0; i-- {
		s := &shots[i]
		if (role == "" || s.Role == role) && (but == nil || s.ID != but.ID) {
			return s
		}
	}
	return nil
}

func viewShot(f *report.JobFile, p report.FileRow, no int) shot {
	s := shot{ID: p.ID, No: no, Role: p.Text("role"), SHA: hex.EncodeToString(p.Bytes("original")), Size: p.Int("original_size"),
		Type: p.Text("original_type"), Taken: p.Int("taken_at"), SamePlane: p.Bool("same_plane"), Source: p.Text("source"),
		Retake: p.UUID("retake_of") != uuid.Nil, Note: p.Text("note")}
	s.Doubt, s.Kept = string(fieldwork.PhotoDoubt(p.Row)), p.Text("kept_reason")
	if s.Doubt == "" && fieldwork.Unsharp(p.Row) {
		s.Doubt = string(fieldwork.Blurred)
	}
	s.Heavy = s.Type == "image/heic" || s.Type == "image/heif"
	preview := ""
	if b := p.Bytes("preview"); len(b) == 32 && f.HasBlob(p, "preview") {
		preview = hex.EncodeToString(b)
	}
	s.Original = f.HasBlob(p, "original")
	s.Undrawn = s.Original && s.Heavy && preview == ""
	if s.Original && !s.Heavy {
		s.Hash = s.SHA
	} else {
		s.Hash = preview
	}
	if s.First = preview; preview == "" {
		s.First = s.Hash
	}
	if !s.Original {
		h := f.HolderOf(p, "original")
		s.Holder, s.Contact = h.Name, h.LastContact
	}
	return s
}

// fillFacts gathers the facts in their fixed order: contract, product, sizes,
// problem, history. It gives the product's material and model.
func (d *Door) fillFacts(c *web.Context, p *DefectPage, f *report.JobFile) (material, model string) {
	head, _ := f.Head()
	item, ok := f.Find("job_item", p.Defect.UUID("item"))
	if !ok {
		item = f.First("job_item")
	}
	contract := head
	if head.Text("contract_no") == "" {
		contract = item
	}
	p.Contract = append(d.facts(c, contract.Row, "contract_no"), d.facts(c, item.Row, "store", "order_time", "delivery_date", "installed_at")...)
	p.Contract = append(p.Contract, d.facts(c, head.Row, "warranty")...)
	p.Item = d.facts(c, item.Row, "category", "model", "material", "edge_profile", "edge_band", "drawing_size")
	p.Text = p.Defect.Text("text")
	p.Drawing, p.Actual = p.Defect.Int("drawing_size"), p.Defect.Int("actual_size")
	p.Sizes = p.Drawing != 0 && p.Actual != 0
	p.Diff = p.Actual - p.Drawing
	for _, h := range f.All("job_history") {
		p.History = append(p.History, historyLine{At: h.Int("at"), Text: h.Text("summary")})
	}
	slices.SortFunc(p.History, func(a, b historyLine) int { return int(b.At/1000 - a.At/1000) })
	for _, n := range f.All("note") {
		if n.Text("kind") == "opinion" {
			p.Opinions = append(p.Opinions, historyLine{At: n.Int("at"), By: f.Name(n.UUID("author")), Text: n.Text("text")})
		}
		if text, ok := strings.CutPrefix(n.Text("text"), office.AppealMark); ok && n.Text("kind") == "escalation" {
			p.Opinions = append(p.Opinions, historyLine{At: n.Int("at"), By: f.Name(n.UUID("author")), Text: text, Appeal: true})
		}
	}
	for _, o := range f.All("defect") {
		if o.ID != p.Defect.ID && o.Text("status") != "open" {
			p.Others = append(p.Others, sibling{Class: o.Text("class"), Status: o.Text("status"), Text: o.Text("text"), Link: defectLink(p.Centre, o.ID, p.State)})
		}
	}
	return item.Text("material"), item.Text("model")
}

func (d *Door) facts(c *web.Context, row schema.Row, columns ...string) []fact {
	out := make([]fact, 0, len(columns))
	for _, name := range columns {
		col := d.cfg.Schema.Table(row.Table).Column(name)
		v := ""
		switch x := row.Cols[name].(type) {
		case string:
			v = col.ValueLabel(x, c.Lang)
		case int64:
			if col.Type == schema.Time && x != 0 {
				v = time.UnixMilli(x).In(c.Zone()).Format("2006-01-02")
			}
		}
		out = append(out, fact{Label: col.Label.In(c.Lang), Value: v, Lacking: v == ""})
	}
	return out
}

func (d *Door) value(c *web.Context, table, column, v string) string {
	return d.cfg.Schema.Table(table).Column(column).ValueLabel(v, c.Lang)
}

// fillVerdicts gathers the earlier verdicts and says whether one may be given
// now.
func (d *Door) fillVerdicts(c *web.Context, p *DefectPage, f *report.JobFile, def report.FileRow) {
	for _, a := range f.Where("adjudication", "defect", def.ID) {
		v := verdictView{Verdict: a.Text("verdict"), Remedy: a.Text("remedy"), Lacks: a.Text("lacks"), Wanted: a.Text("wanted_role"), Reason: a.Text("reason"),
			Store: a.Text("text_store"), Customer: a.Text("text_customer"), By: f.Name(a.UUID("adjudicator")), ByID: a.UUID("adjudicator"), At: a.Int("at")}
		v.Final = slices.ContainsFunc(office.FinalVerdicts(f, def.ID), func(x report.FileRow) bool { return x.ID == a.ID })
		for _, s := range f.Where("responsibility", "adjudication", a.ID) {
			v.Shares = append(v.Shares, share{Party: s.Text("party"), Percent: s.Int("percent"), Reason: s.Text("reason")})
		}
		p.Verdicts = append(p.Verdicts, v)
	}
	p.Recorder = f.Name(def.Marks["class"].Actor)
	if all := f.Where("return_shipment", "defect", def.ID); len(all) > 0 {
		p.Shipment = &all[len(all)-1]
	}
	status := def.Text("status")
	p.MayJudge = c.Person.Role == schema.Adjudicator
	switch {
	case status == "retake":
		p.Waiting = "photos"
	case status == "returning" && (p.Shipment == nil || p.Shipment.Text("status") != "received"):
		p.Waiting = "goods"
	case status == "judged":
		p.Waiting = "judged"
	}
	finals := office.FinalVerdicts(f, def.ID)
	p.Appeal = len(finals) > 0 && status == "submitted"
	for _, a := range finals {
		p.Mine = p.Mine || p.Appeal && a.UUID("adjudicator") == c.Person.ID
	}
	p.Blind = p.Appeal && p.MayJudge && !p.Mine
	if p.Blind {
		p.Verdicts = slices.DeleteFunc(p.Verdicts, func(v verdictView) bool { return v.Final })
	}
	if p.Mine {
		p.Waiting = "appeal"
	}
	p.Open = p.MayJudge && p.Waiting == ""
	class := def.Text("class")
	p.Crack = class == fieldwork.TopCrack || class == fieldwork.DoorCrack
}

// fillPlace finds the cases before and behind this one in the queue.
func (d *Door) fillPlace(c *web.Context, p *DefectPage) error {
	spot, err := d.cfg.Files.OpenSpot(c.Context(), report.DefectPlace{Centre: p.Centre, ID: p.Defect.ID}, queueStatus(p.State))
	if err != nil {
		return err
	}
	p.Total = spot.Total
	if spot.In {
		p.Place = spot.Before + 1
	}
	if spot.Prev != nil {
		p.Prev = defectLink(spot.Prev.Centre, spot.Prev.ID, p.State)
	}
	if n := spot.Next; n != nil && n.ID != p.Defect.ID {
		p.Next = defectLink(n.Centre, n.ID, p.State)
		return d.fillAhead(c, p, spot)
	}
	return nil
}

// fillAhead names the two small pictures of the next case, so that the browser
// has them before they are asked for.
func (d *Door) fillAhead(c *web.Context, p *DefectPage, spot report.DefectSpot) error {
	at := spot.Before
	if spot.In {
		at++
	}
	lines, err := d.cfg.Files.OpenDefects(c.Context(), report.DefectWindow{Status: queueStatus(p.State), Offset: at, Limit: 1})
	if err != nil || len(lines) == 0 || lines[0].Defect.ID != spot.Next.ID {
		return err // nothing, or the queue moved on: then it is fetched when it is shown
	}
	for _, role := range []string{fieldwork.RoleFull, fieldwork.RoleClose} {
		if t := thumbOf(&lines[0], role); t.Hash != "" {
			p.Ahead = append(p.Ahead, "/headquarters/photos/"+lines[0].Centre.String()+"/"+t.Hash)
		}
	}
	return nil
}
