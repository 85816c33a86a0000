package centre

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web/doubt"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// photoView is one tile of the photo strip.
type photoView struct {
	Role      string
	Hash      string // of what can be shown; "" while neither preview nor original is in
	Original  string // hash of the original once it is in
	Taken     int64
	Holder    string // whose phone has the original while it is not in
	Contact   int64  // when that phone was last heard from
	ID        uuid.UUID
	Chips     []doubt.Chip // why somebody should look twice
	Unseen    bool         // it could not be compared with others by its look
	ByPreview bool         // it was compared by its preview alone
	Place     string       // where it was taken, as far as it is known
}

// signatureView is the newest signature of a visit and what it covers.
type signatureView struct {
	Outcome string
	Signer  string
	At      int64
	Reason  string
	Hash    string // of the picture, once it is in
	Content string // what the customer was shown
	State   string // covers, superseded, declined, none
	Code    string // of a confirmation by code: right or wrong
}

// missingView is one line of what a job still lacks.
type missingView struct {
	Tone string
	Text string
	Link string
}

// jobSide is the right-hand column: the job that a matter belongs to.
type jobSide struct {
	Job        uuid.UUID
	Head       report.FileRow
	Contact    report.FileRow
	Crew       []string
	Photos     []photoView
	Absent     []uuid.UUID // photos whose original is on a phone only
	Signatures []signatureView
	Complete   bool
	Missing    []missingView
}

func (r *Reconciliation) viewJob(t *teller, f *report.JobFile) *jobSide {
	head, _ := f.Head()
	v := &jobSide{Job: f.Job, Head: head, Contact: f.First("job_contact"), Complete: head.Bool("complete")}
	for _, p := range f.Leads() {
		v.Crew = append(v.Crew, t.name(p))
	}
	for _, p := range f.All("photo") {
		v.Photos = append(v.Photos, viewPhoto(f, p))
		if !f.HasBlob(p, "original") {
			v.Absent = append(v.Absent, p.ID)
		}
	}
	for _, visit := range f.All("visit") {
		v.Signatures = append(v.Signatures, viewSignatures(f, visit)...)
	}
	v.Missing = missing(t, f)
	return v
}

func viewPhoto(f *report.JobFile, p report.FileRow) photoView {
	v := photoView{ID: p.ID, Role: p.Text("role"), Taken: p.Int("taken_at")}
	if f.HasBlob(p, "original") {
		v.Original = hex.EncodeToString(p.Bytes("original"))
		v.Hash = v.Original
	} else {
		h := f.HolderOf(p, "original")
		v.Holder, v.Contact = h.Name, h.LastContact
	}
	if b := p.Bytes("preview"); len(b) == 32 && f.HasBlob(p, "preview") {
		v.Hash = hex.EncodeToString(b)
	}
	return v
}

func viewSignatures(f *report.JobFile, visit report.FileRow) []signatureView {
	rows := office.VisitRows(f, visit)
	var out []signatureView
	for _, s := range f.Where("signature", "visit", visit.ID) {
		v := signatureView{Outcome: s.Text("outcome"), Signer: s.Text("signer"), At: s.Int("at"), Reason: s.Text("reason"), Content: fieldwork.Readable(s.Text("content"))}
		if b := s.Bytes("image"); len(b) == 32 && f.HasBlob(s, "image") {
			v.Hash = hex.EncodeToString(b)
		}
		v.State = string(fieldwork.StandingOf(s.Row, rows))
		if v.Outcome == fieldwork.ByCode {
			v.Code = "wrong"
			if code := office.CustomerCode(f); code != "" && s.Text("code") == code {
				v.Code = "right"
			}
		}
		out = append(out, v)
	}
	return out
}

// absentFiles counts the files of one phone that are not in.
type absentFiles struct {
	holder report.Holder
	count  int
}

// absent groups the files that rows name and nobody has received by the phone
// that holds them, most files first.
func absent(d *schema.Descriptor, f *report.JobFile) []absentFiles {
	by := map[uuid.UUID]*absentFiles{}
	for table, rows := range f.Rows {
		tab := d.Table(table)
		if tab == nil {
			continue
		}
		for _, row := range rows {
			for _, c := range tab.Columns {
				if c.Type != schema.Blob || f.HasBlob(row, c.Name) {
					continue
				}
				h := f.HolderOf(row, c.Name)
				if by[h.Device] == nil {
					by[h.Device] = &absentFiles{holder: h}
				}
				by[h.Device].count++
			}
		}
	}
	out := make([]absentFiles, 0, len(by))
	for _, a := range by {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b absentFiles) int {
		return cmp.Or(cmp.Compare(b.count, a.count), slices.Compare(a.holder.Device[:], b.holder.Device[:]))
	})
	return out
}

// missing lists what keeps a job from being complete: rows, files still on a
// phone, open cases. Whether it is complete is the server's fact alone.
func missing(t *teller, f *report.JobFile) []missingView {
	var out []missingView
	for _, v := range f.All("visit") {
		if len(f.Where("visit_close", "visit", v.ID)) == 0 {
			h := f.HolderOf(v, "started_at")
			out = append(out, missingView{Tone: "warn", Text: t.c.T("case.missing.visit", t.name(v.UUID("person")), t.moment(v.Int("started_at")), t.heard(h.LastContact))})
		}
	}
	for _, a := range absent(t.schema, f) {
		who := a.holder.Name
		if who == "" {
			who = t.c.T("case.who.unknown")
		}
		out = append(out, missingView{Tone: "warn", Text: t.c.T("case.missing.files", a.count, who, t.heard(a.holder.LastContact))})
	}
	for _, k := range f.Cases {
		if k.Open && k.Blocking {
			title := t.table(k.Table)
			if k.Column != "" {
				title += " · " + t.label(k.Table, k.Column)
			}
			out = append(out, missingView{Tone: "bad", Text: t.c.T("case.missing.case", title), Link: "/centre/reconcile?at=case." + k.ID.String()})
		}
	}
	if len(f.All("visit")) == 0 {
		out = append(out, missingView{Tone: "quiet", Text: t.c.T("case.missing.no-visit")})
	}
	for _, v := range f.All("visit") {
		out = append(out, wanting(t, f, v)...)
	}
	return out
}

// wanting lists what a closed visit should have and its completeness does not
// wait for: a signature that still covers it, photos of its list.
func wanting(t *teller, f *report.JobFile, v report.FileRow) []missingView {
	var out []missingView
	rows := office.VisitRows(f, v)
	if fieldwork.StateOf(rows) == fieldwork.SignatureSuperseded {
		out = append(out, missingView{Tone: "warn", Text: t.c.T("case.missing.resign", t.name(v.UUID("person")), t.moment(v.Int("started_at")))})
	}
	if len(rows.Closes) == 0 {
		return out
	}
	var roles []string
	for _, s := range office.Shots(f, v) {
		if s.Missing() {
			roles = append(roles, t.value(t.column("photo", "role"), s.Role))
		}
	}
	if len(roles) > 0 {
		out = append(out, missingView{Tone: "quiet", Text: t.c.T("case.missing.shots", strings.Join(roles, t.c.T("slip.and")))})
	}
	return out
}

// heard is when a phone was last heard from, in words.
func (t *teller) heard(ms int64) string {
	if ms == 0 {
		return t.c.T("case.heard.never")
	}
	return t.moment(ms)
}
