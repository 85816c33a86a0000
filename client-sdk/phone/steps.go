package phone

import (
	"strings"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// step is one station of the job page, in the order of work.
type step struct {
	No       int
	Key      string // leave, arrive, work, fee, part, finish, handover, done
	State    string // done, now, todo
	Title    string
	Say      string
	Link     string // page of the step; empty where the job page itself holds it
	Optional bool
}

// The stations of a visit.
const (
	stepLeave = iota + 1
	stepArrive
	stepWork
	stepFee
	stepPart
	stepFinish
	stepHandover
	stepDone
)

// steps lays out the visit: what is done, what is next, what comes later. It is
// the rows that say so; no page remembers it.
func (q *ask) steps(f *jobFile) []step {
	v := f.Visit
	closed := false
	if v == nil && len(f.Past) > 0 && finishedStatus(f.Job.Text("status")) {
		v, closed = f.Past[len(f.Past)-1], true
	}
	base := "/job/" + f.Job.ID.String()
	all := []step{
		{No: stepLeave, Key: "leave", Say: q.saidLeave(v)},
		{No: stepArrive, Key: "arrive", Say: q.saidEvent(v, "arrive")},
		{No: stepWork, Key: "work", Link: base + "/work", Say: q.saidWork(f, v)},
		{No: stepFee, Key: "fee", Link: base + "/fee", Say: q.saidFee(f, v)},
		{No: stepPart, Key: "part", Link: base + "/part", Say: q.saidParts(v), Optional: true},
		{No: stepFinish, Key: "finish", Link: base + "/finish", Say: q.saidEvent(v, "selfcheck")},
		{No: stepHandover, Key: "handover", Link: base + "/handover", Say: q.saidSignature(v)},
		{No: stepDone, Key: "done", Link: base + "/done", Say: q.saidClose(v)},
	}
	done := stepsDone(f, v, closed)
	resign := closed && f.again() == v
	now := v == nil && finishedStatus(f.Job.Text("status")) // over: nothing is next
	for i := range all {
		s := &all[i]
		s.Title = q.t("step." + s.Key)
		switch {
		case done[s.No]:
			s.State = "done"
		case resign && s.No == stepHandover:
			s.State, now = "now", true
		case s.Optional || now || closed:
			s.State = "todo"
		default:
			s.State, now = "now", true
		}
		if v == nil || !v.has("arrive") || closed {
			if resign && s.No == stepHandover {
				continue
			}
			if s.No > stepArrive && (closed || s.State != "done") && s.No != stepDone && (!closed || s.No != stepWork) {
				s.Link = ""
			}
			if s.No == stepDone && !closed {
				s.Link = ""
			}
		}
	}
	return all
}

func finishedStatus(s string) bool {
	return s == "finished" || s == "registered" || s == "closed"
}

// stepsDone says of each station whether the rows show it done.
func stepsDone(f *jobFile, v *visitFile, closed bool) map[int]bool {
	done := map[int]bool{}
	if v == nil {
		return done
	}
	_, signed := v.signature()
	// Nobody at home, or a job that the office cancelled meanwhile: the visit may
	// end with what there is.
	cut := v.Visit.Text("outcome") == "absent" || f.Job.Text("status") == "cancelled"
	done[stepLeave] = v.has("depart") || v.has("arrive")
	done[stepArrive] = v.has("arrive")
	done[stepWork] = cut || workDone(v)
	done[stepFee] = cut || feesDone(f, v)
	done[stepPart] = len(v.Parts) > 0 || closed
	done[stepFinish] = cut || finishDone(v)
	done[stepHandover] = (signed && fieldwork.StateOf(v.VisitRows) != fieldwork.SignatureSuperseded) || (cut && !signed)
	done[stepDone] = closed
	return done
}

// workDone wants a fault, its cause and measure or their deferral (OR-14), and
// no defect left open.
func workDone(v *visitFile) bool {
	if v.Record == nil || v.Record.Text("fault") == "" {
		return false
	}
	for _, d := range v.Defects {
		if d.Text("status") == "open" {
			return false
		}
	}
	return v.Record.Bool("deferred") || (v.Record.Text("cause") != "" && v.Record.Text("measure") != "")
}

// feesDone wants a receipt for all that was charged. Out of warranty it is
// offered first, until the standard was shown or the self-check says that
// nothing is charged.
func feesDone(f *jobFile, v *visitFile) bool {
	if f.Job.Text("warranty") == "out" && !v.has("standard") && !v.has("selfcheck") {
		return false
	}
	return v.due() == 0 || len(v.Waivers) > 0
}

// due is what was charged and has no receipt yet, in fen.
func (v *visitFile) due() int64 {
	var sum int64
	for _, fee := range v.Fees {
		sum += fee.Int("charged")
	}
	for _, r := range v.Receipts {
		sum -= r.Int("amount")
	}
	return sum
}

// finishDone wants the two required ticks (OR-03), the outcome and the
// self-check (OR-05).
func finishDone(v *visitFile) bool {
	r := v.Record
	return v.has("selfcheck") && v.Visit.Text("outcome") != "" && r != nil && r.Bool("training_done") && r.Bool("cleaned") && r.Bool("restored")
}

// current is the station that comes next; 0 when all are done.
func current(steps []step) int {
	for _, s := range steps {
		if s.State == "now" {
			return s.No
		}
	}
	return 0
}

func (q *ask) saidLeave(v *visitFile) string {
	if e, ok := v.event("depart"); ok {
		return q.t("say.depart", q.when(e.Int("at")))
	}
	return ""
}

func (q *ask) saidEvent(v *visitFile, kind string) string {
	if e, ok := v.event(kind); ok {
		return q.when(e.Int("at"))
	}
	return ""
}

func (q *ask) saidWork(f *jobFile, v *visitFile) string {
	if v == nil {
		return ""
	}
	var parts []string
	if v.Record != nil && v.Record.Text("fault") != "" {
		parts = append(parts, clipRunes(v.Record.Text("fault"), 18))
	}
	if v.Record != nil && v.Record.Bool("deferred") {
		parts = append(parts, q.t("say.deferred"))
	}
	open := 0
	for _, d := range v.Defects {
		if d.Text("status") == "open" {
			open++
		}
	}
	if n := len(v.Defects); n > 0 {
		parts = append(parts, q.t("say.defects", n))
	}
	if open > 0 {
		parts = append(parts, q.t("say.open", open))
	}
	return strings.Join(parts, " · ")
}

func (q *ask) saidFee(f *jobFile, v *visitFile) string {
	if v == nil {
		return ""
	}
	var sum int64
	currency := ""
	for _, fee := range v.Fees {
		sum += fee.Int("charged")
		currency = fee.Text("currency")
	}
	switch {
	case len(v.Fees) > 0 && len(v.Receipts) > 0:
		return q.money(sum, currency) + " · " + v.Receipts[len(v.Receipts)-1].Text("no")
	case len(v.Fees) > 0:
		return q.t("say.no_receipt", q.money(sum, currency))
	case v.has("standard"):
		return q.t("say.standard")
	case f.Job.Text("warranty") == "in" || f.Job.Text("warranty") == "quality":
		return q.t("say.free")
	}
	return ""
}

func (q *ask) saidParts(v *visitFile) string {
	if v == nil || len(v.Parts) == 0 {
		return q.t("say.no_parts")
	}
	return q.t("say.parts", len(v.Parts))
}

func (q *ask) saidSignature(v *visitFile) string {
	s, ok := v.signature()
	if !ok {
		return ""
	}
	if fieldwork.StateOf(v.VisitRows) == fieldwork.SignatureSuperseded {
		return q.t("say.superseded")
	}
	return q.valueOf("signature", "outcome", s.Text("outcome")) + " · " + q.when(s.Int("at"))
}

func (q *ask) saidClose(v *visitFile) string {
	if v == nil || len(v.Closes) == 0 {
		return ""
	}
	return q.when(v.Closes[0].Int("at"))
}

func clipRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// eventRow is one event of a visit, at the phone's time.
func (q *ask) eventRow(visit schema.Row, kind, detail string) map[string]any {
	cols := map[string]any{"visit": visit.ID, "kind": kind, "at": q.app.nowMilli()}
	if detail != "" {
		cols["detail"] = detail
	}
	return cols
}
