package office

import (
	"context"
	"encoding/json"
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

// Share is one party's part of the responsibility.
type Share struct {
	Party   string
	Percent int64
	Reason  string
}

// Judgement is what an adjudicator says about a defect (AD-01, AD-05, AD-06).
type Judgement struct {
	Defect       uuid.UUID
	Base         uint64 // rev of the defect that the screen showed; 0 does not look
	Verdict      string // hq, store, customer, carrier, retake, return
	Lacks        string // retake and return: what the photos lack
	Wanted       string // retake: the role of the photo wanted
	Remedy       string
	Reason       string
	TextStore    string
	TextCustomer string
	Split        []Share
	WholeCrack   bool   // crack classes: the whole crack is visible (DE-04)
	Cost         *int64 // return: estimated cost in fen
}

// final says that a verdict names who is at fault, and so closes the case.
func final(verdict string) bool {
	switch verdict {
	case "hq", "store", "customer", "carrier":
		return true
	}
	return false
}

// Adjudicate gives headquarters' verdict on a defect of any centre. The
// adjudication, its shares, the defect's next state, and what follows from the
// verdict (the shipment of a return, the instruction of a retake to whoever
// recorded the defect, the remedy at the beginning of its way) are one transaction of that centre's office log.
//
// Only an adjudicator may; a split that is not exactly 100, a retake or a
// return that does not name what is missing, a judgement while photos or goods
// are still on their way, and a second final verdict by the same person
// (AD-10) are refused; so is a final verdict on a leftover order that was filed
// and that no signature covers (SF-06). A defect that changed since Base is Stale.
func (b *Bench) Adjudicate(ctx context.Context, who Who, centre uuid.UUID, in Judgement) (uuid.UUID, error) {
	if who.Role != schema.Adjudicator {
		return uuid.Nil, fault.New(syncproto.Forbidden, "adjudicate.only")
	}
	f, d, err := b.defectFile(ctx, centre, in.Defect)
	if err != nil {
		return uuid.Nil, err
	}
	if in.Base != 0 && d.Rev != in.Base {
		return uuid.Nil, fault.New(fault.Stale, "adjudicate.stale")
	}
	if err := b.checkJudgement(&f, d, who, in); err != nil {
		return uuid.Nil, err
	}
	if final(in.Verdict) {
		if err := b.checkSigned(ctx, centre, d.Row); err != nil {
			return uuid.Nil, err
		}
	}
	id := b.newID()
	edits := b.verdictRows(id, who, in)
	edits = append(edits, ledger.Edit{Table: "defect", Row: d.ID, Op: changelog.Update, Base: d.Rev,
		Cols: map[string]any{"status": nextStatus(in.Verdict)}, Was: map[string]any{"status": d.Text("status")}})
	switch in.Verdict {
	case fieldwork.VerdictReturn:
		edits = append(edits, b.shipment(in))
	case fieldwork.VerdictRetake:
		marks, err := b.marksOf(ctx, &f, d.ID)
		if err != nil {
			return uuid.Nil, err
		}
		edits = append(edits, b.retake(&f, d, id, in, marks))
	default:
		edits = append(edits, b.openRemedy(id, f.Job, in)...)
	}
	if _, err := b.journal.Write(ctx, centre, who.author(), edits); err != nil {
		return uuid.Nil, fmt.Errorf("adjudicate defect %s: %w", in.Defect, err)
	}
	return id, nil
}

// defectFile reads a defect with its whole job.
func (b *Bench) defectFile(ctx context.Context, centre, defect uuid.UUID) (report.JobFile, report.FileRow, error) {
	row, ok, err := b.files.StateRow(ctx, centre, "defect", defect)
	if err != nil {
		return report.JobFile{}, report.FileRow{}, err
	}
	if !ok {
		return report.JobFile{}, report.FileRow{}, fault.New(syncproto.NotFound, "error.not-found")
	}
	f, err := b.files.JobFile(ctx, centre, row.Root)
	if err != nil {
		return f, report.FileRow{}, err
	}
	d, ok := f.Find("defect", defect)
	if !ok {
		return f, d, fault.New(syncproto.NotFound, "error.not-found")
	}
	return f, d, nil
}

func nextStatus(verdict string) string {
	switch verdict {
	case fieldwork.VerdictRetake:
		return "retake"
	case fieldwork.VerdictReturn:
		return "returning"
	}
	return "judged"
}

func (b *Bench) checkJudgement(f *report.JobFile, d report.FileRow, who Who, in Judgement) error {
	if !final(in.Verdict) && in.Verdict != fieldwork.VerdictRetake && in.Verdict != fieldwork.VerdictReturn {
		return fault.New(fault.Invalid, "adjudicate.verdict")
	}
	switch status := d.Text("status"); {
	case status == "retake":
		return fault.New(fault.Invalid, "adjudicate.waiting-photos")
	case status == "returning" && !final(in.Verdict):
		return fault.New(fault.Invalid, "adjudicate.returning")
	case status == "returning" && !received(f, d.ID):
		return fault.New(fault.Invalid, "adjudicate.waiting-goods")
	case status != "submitted" && status != "returning":
		return fault.New(fault.Stale, "adjudicate.stale")
	}
	if err := checkTexts(in); err != nil {
		return err
	}
	check := checkFinal
	if !final(in.Verdict) {
		check = checkLacks
	}
	if err := check(b.schema, d, in); err != nil {
		return err
	}
	return checkAppeal(f, d, who)
}

func checkTexts(in Judgement) error {
	for _, t := range []string{in.Reason, in.TextStore, in.TextCustomer} {
		if len(t) > 2000 {
			return fault.New(fault.Invalid, "adjudicate.long")
		}
	}
	if len(in.Lacks) > 400 || in.Cost != nil && (*in.Cost < 0 || *in.Cost > 100000000) {
		return fault.New(fault.Invalid, "adjudicate.long")
	}
	return nil
}

// checkLacks: who cannot judge says why, and splits nothing yet.
func checkLacks(d *schema.Descriptor, _ report.FileRow, in Judgement) error {
	if strings.TrimSpace(in.Lacks) == "" {
		return fault.New(fault.Invalid, "adjudicate.lacks")
	}
	if in.Verdict == fieldwork.VerdictRetake && !slices.Contains(d.Table("adjudication").Column("wanted_role").Values, in.Wanted) {
		return fault.New(fault.Invalid, "adjudicate.wanted")
	}
	if len(in.Split) > 0 {
		return fault.New(fault.Invalid, "adjudicate.split-early")
	}
	return nil
}

func checkFinal(d *schema.Descriptor, defect report.FileRow, in Judgement) error {
	var sum int64
	for _, s := range in.Split {
		if s.Percent < 1 || s.Percent > 100 || strings.TrimSpace(s.Party) == "" || len(s.Party) > 120 || len(s.Reason) > 400 {
			return fault.New(fault.Invalid, "adjudicate.share")
		}
		sum += s.Percent
	}
	if sum != 100 || len(in.Split) > 20 {
		return fault.New(fault.Invalid, fmt.Sprintf("adjudicate.split|%d", sum))
	}
	if strings.TrimSpace(in.Reason) == "" {
		return fault.New(fault.Invalid, "adjudicate.reason")
	}
	if !slices.Contains(d.Table("adjudication").Column("remedy").Values, in.Remedy) {
		return fault.New(fault.Invalid, "adjudicate.remedy")
	}
	class := defect.Text("class")
	if (class == fieldwork.TopCrack || class == fieldwork.DoorCrack) && !in.WholeCrack {
		return fault.New(fault.Invalid, "adjudicate.crack")
	}
	return nil
}

// checkAppeal: who judged a defect before has no say in its appeal, also not
// to ask for photos or goods (AD-10).
func checkAppeal(f *report.JobFile, defect report.FileRow, who Who) error {
	for _, a := range f.Where("adjudication", "defect", defect.ID) {
		if final(a.Text("verdict")) && a.UUID("adjudicator") == who.Person {
			return fault.New(syncproto.Forbidden, "adjudicate.appeal")
		}
	}
	return nil
}

// checkSigned: an order that was filed counts as submitted only while a drawn
// signature of the designer or the store's head covers it (SF-06). Photos and
// goods may be asked for before. A defect that nobody filed an order for is
// judged by what the technician submitted.
func (b *Bench) checkSigned(ctx context.Context, centre uuid.UUID, defect schema.Row) error {
	order, err := b.SignedLeftover(ctx, centre, defect)
	if err != nil {
		return err
	}
	switch {
	case !order.Filed || order.State == fieldwork.SignatureCovers:
		return nil
	case order.State == fieldwork.SignatureSuperseded:
		return fault.New(fault.Invalid, "adjudicate.resign")
	}
	return fault.New(fault.Invalid, "adjudicate.unsigned")
}

// received says that the goods of a return are back: only then a second
// verdict may be given (AD-05).
func received(f *report.JobFile, defect uuid.UUID) bool {
	for _, s := range f.Where("return_shipment", "defect", defect) {
		if s.Text("status") == "received" {
			return true
		}
	}
	return false
}

// verdictRows are the adjudication and its shares.
func (b *Bench) verdictRows(id uuid.UUID, who Who, in Judgement) []ledger.Edit {
	cols := map[string]any{"defect": in.Defect[:], "verdict": in.Verdict, "adjudicator": who.Person[:], "at": b.now().UnixMilli()}
	set := func(name, v string) {
		if v = strings.TrimSpace(v); v != "" {
			cols[name] = v
		}
	}
	set("text_store", in.TextStore)
	set("text_customer", in.TextCustomer)
	if in.WholeCrack && in.Reason != "" {
		in.Reason = strings.TrimSpace(in.Reason) + "\n整条裂缝可见 · whole crack visible"
	}
	set("reason", in.Reason)
	if final(in.Verdict) {
		set("remedy", in.Remedy)
	} else {
		set("lacks", in.Lacks)
	}
	if in.Verdict == fieldwork.VerdictRetake {
		set("wanted_role", in.Wanted)
	}
	if in.Verdict == fieldwork.VerdictReturn && in.Cost != nil {
		cols["cost"], cols["currency"] = *in.Cost, "CNY"
	}
	edits := []ledger.Edit{{Table: "adjudication", Row: id, Op: changelog.Insert, Cols: cols}}
	for _, s := range in.Split {
		row := map[string]any{"adjudication": id[:], "party": strings.TrimSpace(s.Party), "percent": s.Percent}
		if r := strings.TrimSpace(s.Reason); r != "" {
			row["reason"] = r
		}
		edits = append(edits, ledger.Edit{Table: "responsibility", Row: b.newID(), Op: changelog.Insert, Cols: row})
	}
	return edits
}

func (b *Bench) shipment(in Judgement) ledger.Edit {
	cols := map[string]any{"defect": in.Defect[:], "status": "wanted"}
	if in.Cost != nil {
		cols["cost"], cols["currency"] = *in.Cost, "CNY"
	}
	return ledger.Edit{Table: "return_shipment", Row: b.newID(), Op: changelog.Insert, Cols: cols}
}

// maxMarksText bounds the marks in an instruction, in bytes: with its other
// arguments it stays below what the column takes.
const maxMarksText = 2800

// retake is the instruction that opens exactly the missing photo on the phone
// of whoever is on the job now; if nobody is, of whoever recorded the defect.
// What the adjudicator drew on the photos goes with it, so that the phone can
// show it without a network.
func (b *Bench) retake(f *report.JobFile, d report.FileRow, adjudication uuid.UUID, in Judgement, marks []fieldwork.PhotoMarks) ledger.Edit {
	person := d.Marks["class"].Actor
	if leads := f.Leads(); len(leads) > 0 && !slices.Contains(leads, person) {
		person = leads[0]
	}
	args := map[string]string{
		"job": f.Job.String(), "defect": d.ID.String(), "adjudication": adjudication.String(),
		"role": in.Wanted, "text": strings.TrimSpace(in.Lacks),
	}
	if text := fieldwork.WriteMarks(marks, maxMarksText); text != "" {
		args["marks"] = text
	}
	return b.instruction(person, syncproto.KindRetake, args)
}

func (b *Bench) instruction(person uuid.UUID, kind string, args map[string]string) ledger.Edit {
	text, err := json.Marshal(args)
	if err != nil {
		text = []byte("{}") // a map of texts always encodes
	}
	return ledger.Edit{Table: "instruction", Row: b.newID(), Op: changelog.Insert, Cols: map[string]any{
		"person": person[:], "kind": kind, "args": string(text), "at": b.now().UnixMilli(),
	}}
}
