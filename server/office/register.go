package office

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// The six ticks of a slip's registration, in the order of the screen.
const (
	TickPhotos    = "photos"    // 照片齐
	TickSignature = "signature" // 签名或拒签
	TickFees      = "fees"      // 收费与收据一致
	TickRating    = "rating"    // 评价
	TickRecord    = "record"    // 服务记录完整
	TickFile      = "file"      // 资料核实
)

// Tick is one of the six: whether the facts support it, and if not why. Why is
// a dictionary key with its arguments behind '|'.
type Tick struct {
	Name string
	OK   bool
	Why  string
}

// Ticks prefills the six ticks from what the centre has of the job (OR-13).
// None of them is taken from anybody's word.
func Ticks(f *report.JobFile) []Tick {
	return []Tick{tickPhotos(f), tickSignature(f), tickFees(f), tickRating(f), tickRecord(f), tickFile(f)}
}

func tickPhotos(f *report.JobFile) Tick {
	t := Tick{Name: TickPhotos}
	absent := 0
	for _, p := range f.All("photo") {
		if !f.HasBlob(p, "original") {
			absent++
		}
	}
	if absent > 0 {
		t.Why = fmt.Sprintf("register.why.photos|%d", absent)
		return t
	}
	photos := report.Plain(f.All("photo"))
	for _, d := range f.All("defect") {
		if m := fieldwork.MissingEvidence(d.Row, photos); len(m) > 0 {
			t.Why = fmt.Sprintf("register.why.evidence|%d|%d", d.Int("no"), len(m))
			return t
		}
	}
	if len(f.All("visit")) > 0 && len(photos) == 0 {
		t.Why = "register.why.no-photos"
		return t
	}
	t.OK = true
	return t
}

func tickSignature(f *report.JobFile) Tick {
	t := Tick{Name: TickSignature}
	visits := f.All("visit")
	if len(visits) == 0 {
		t.Why = "register.why.no-visit"
		return t
	}
	for _, v := range visits {
		switch rows := VisitRows(f, v); fieldwork.StateOf(rows) {
		case fieldwork.SignatureNone:
			t.Why = "register.why.unsigned"
		case fieldwork.SignatureSuperseded:
			t.Why = "register.why.superseded"
		}
		for _, s := range f.Where("signature", "visit", v.ID) {
			if s.Text("outcome") == fieldwork.ByCode && s.Text("code") != CustomerCode(f) {
				t.Why = "register.why.code"
			}
		}
	}
	for _, s := range f.All("signature") {
		if !f.HasBlob(s, "image") {
			t.Why = "register.why.signature-file"
		}
	}
	t.OK = t.Why == ""
	return t
}

// VisitRows gathers the rows of one visit for the rules of the trade.
func VisitRows(f *report.JobFile, visit report.FileRow) fieldwork.VisitRows {
	v := fieldwork.VisitRows{
		Visit:      visit.Row,
		Parts:      report.Plain(f.Where("part_used", "visit", visit.ID)),
		Defects:    report.Plain(f.Where("defect", "visit", visit.ID)),
		Fees:       report.Plain(f.Where("fee_line", "visit", visit.ID)),
		Events:     report.Plain(f.Where("visit_event", "visit", visit.ID)),
		Signatures: report.Plain(f.Where("signature", "visit", visit.ID)),
		Closes:     report.Plain(f.Where("visit_close", "visit", visit.ID)),
	}
	if r := f.Where("service_record", "visit", visit.ID); len(r) > 0 {
		v.Record = &r[len(r)-1].Row // the last, as on the phone
	}
	if r := f.Where("rating", "visit", visit.ID); len(r) > 0 {
		v.Rating = &r[len(r)-1].Row
	}
	return v
}

// Shots holds a visit against the shot list of its job (DE-09).
func Shots(f *report.JobFile, visit report.FileRow) []fieldwork.ShotState {
	head, _ := f.Head()
	return fieldwork.ShotsOf(head.Text("kind"), visit.Row, report.Plain(f.All("photo")), report.Plain(f.All("shot_skip")))
}

// Paid is what a visit's fees come to and what its receipts say, in fen.
// Approved waivers lower what is due; a receipt that reverses another counts
// against it.
func Paid(f *report.JobFile, visit uuid.UUID) (due, receipted int64) {
	for _, l := range f.Where("fee_line", "visit", visit) {
		due += l.Int("charged")
	}
	for _, w := range f.Where("waiver", "visit", visit) {
		if w.Text("status") == "approved" {
			due -= w.Int("amount")
		}
	}
	for _, r := range f.Where("receipt", "visit", visit) {
		if r.UUID("void_of") != uuid.Nil {
			receipted -= abs(r.Int("amount"))
			continue
		}
		receipted += r.Int("amount")
	}
	return max(due, 0), receipted
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

func tickFees(f *report.JobFile) Tick {
	for _, v := range f.All("visit") {
		if due, got := Paid(f, v.ID); due != got {
			return Tick{Name: TickFees, Why: "register.why.fees|" + fieldwork.Yuan(due) + "|" + fieldwork.Yuan(got)}
		}
	}
	for _, w := range f.All("waiver") {
		if w.Text("status") == "pending" {
			return Tick{Name: TickFees, Why: "register.why.waiver|" + fieldwork.Yuan(w.Int("amount"))}
		}
	}
	return Tick{Name: TickFees, OK: true}
}

// tickRating: a customer who declined to sign need not have rated (SF-02).
func tickRating(f *report.JobFile) Tick {
	for _, v := range f.All("visit") {
		rows := VisitRows(f, v)
		if len(rows.Closes) > 0 && rows.Rating == nil && fieldwork.StateOf(rows) != fieldwork.SignatureDeclined {
			return Tick{Name: TickRating, Why: "register.why.rating"}
		}
	}
	return Tick{Name: TickRating, OK: len(f.All("visit")) > 0, Why: none(f, "visit", "register.why.no-visit")}
}

func tickRecord(f *report.JobFile) Tick {
	t := Tick{Name: TickRecord}
	for _, v := range f.All("visit") {
		switch r := VisitRows(f, v).Record; {
		case r == nil:
			t.Why = "register.why.no-record"
		case r.Bool("deferred"):
			t.Why = "register.why.deferred"
		case r.Text("fault") == "" || r.Text("measure") == "":
			t.Why = "register.why.record"
		}
		if len(f.Where("visit_close", "visit", v.ID)) == 0 {
			t.Why = "register.why.not-closed"
		}
	}
	if len(f.All("visit")) == 0 {
		t.Why = "register.why.no-visit"
	}
	t.OK = t.Why == ""
	return t
}

func tickFile(f *report.JobFile) Tick {
	t := Tick{Name: TickFile}
	c := f.First("job_contact")
	head, _ := f.Head()
	switch {
	case c.Text("name") == "" || c.Text("phone") == "" || c.Text("address") == "":
		t.Why = "register.why.contact"
	case head.Text("warranty") == "" || head.Text("warranty") == "unknown":
		t.Why = "register.why.warranty"
	default:
		for _, k := range f.Cases {
			if k.Open && k.Table == "job_contact" {
				t.Why = "register.why.contact-case"
			}
		}
	}
	t.OK = t.Why == ""
	return t
}

func none(f *report.JobFile, table, why string) string {
	if len(f.All(table)) == 0 {
		return why
	}
	return ""
}

// Registration is what the clerk ticked.
type Registration struct {
	Job    uuid.UUID
	Base   uint64   // rev of the job that the screen showed; 0 does not look
	Ticks  []string // names of the ticked ones
	Reason string   // needed where a tick is not supported by the facts
}

// Register registers a finished job's slip: a state of its own after the
// technician's "done" (OR-13, SF-04). All six must be ticked; one that the
// facts do not support needs a reason, which is kept as a note of the job, and
// where photos are not in, the supervisor. Open cases that block the job are
// decided first. It says nothing about *complete*, which only the server finds.
func (b *Bench) Register(ctx context.Context, who Who, r Registration) error {
	if !who.atCentre() {
		return fault.New(syncproto.Forbidden, "register.only")
	}
	f, err := b.files.JobFile(ctx, who.Centre, r.Job)
	if err != nil {
		return err
	}
	head, ok := f.Head()
	if !ok {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	if r.Base != 0 && head.Rev != r.Base || head.Text("status") == "registered" {
		return fault.New(fault.Stale, "register.stale")
	}
	if head.Text("status") != "finished" {
		return fault.New(fault.Invalid, "register.not-finished")
	}
	if err := b.checkTicks(&f, who, r); err != nil {
		return err
	}
	cols := map[string]any{"status": "registered", "registered_at": b.now().UnixMilli(), "registered_by": who.Person[:]}
	edits := []ledger.Edit{{Table: "job", Row: f.Job, Op: changelog.Update, Base: head.Rev, Cols: cols,
		Was: map[string]any{"status": "finished", "registered_at": head.Cols["registered_at"], "registered_by": head.Cols["registered_by"]}}}
	if reason := strings.TrimSpace(r.Reason); reason != "" {
		edits = append(edits, b.note(who, f.Job, "note", reason))
	}
	if _, err := b.journal.Write(ctx, who.Centre, who.author(), edits); err != nil {
		return fmt.Errorf("register job %s: %w", r.Job, err)
	}
	return nil
}

func (b *Bench) checkTicks(f *report.JobFile, who Who, r Registration) error {
	blocking := 0
	for _, c := range f.Cases {
		if c.Open && c.Blocking {
			blocking++
		}
	}
	if blocking > 0 {
		return fault.New(fault.Invalid, fmt.Sprintf("register.cases|%d", blocking))
	}
	if len(r.Reason) > 1000 {
		return fault.New(fault.Invalid, "decide.reason-long")
	}
	for _, t := range Ticks(f) {
		if !slices.Contains(r.Ticks, t.Name) {
			return fault.New(fault.Invalid, "register.unticked|register.tick."+t.Name)
		}
		if t.OK {
			continue
		}
		if strings.TrimSpace(r.Reason) == "" {
			return fault.New(fault.Invalid, "register.reason|register.tick."+t.Name)
		}
		if t.Name == TickPhotos && who.Role != schema.Supervisor {
			return fault.New(syncproto.Forbidden, "register.photos-supervisor")
		}
	}
	return nil
}
