package office_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
)

// judged is a whole verdict that may stand.
func judged(s *benchtest.Story, verdict string) office.Judgement {
	return office.Judgement{Defect: s.Defect, Verdict: verdict, Remedy: "remake", Reason: "批次色差", TextStore: "重做第二块门板", TextCustomer: "我们为您重做门板",
		Split: []office.Share{{Party: "总部", Percent: 60}, {Party: "商场", Percent: 40, Reason: "未核对批次"}}}
}

func adjudicate(w *benchtest.World, who office.Who, in office.Judgement) (uuid.UUID, error) {
	return w.Bench.Adjudicate(context.Background(), who, w.Centre, in)
}

func TestAdjudicateWritesVerdictAndShares(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	id, err := adjudicate(w, w.Adjudicator, judged(s, "hq"))
	if err != nil {
		t.Fatal(err)
	}
	f := w.File(s.Job)
	a, ok := f.Find("adjudication", id)
	if !ok || a.Text("verdict") != "hq" || a.UUID("adjudicator") != w.Adjudicator.Person || a.Text("text_customer") == "" {
		t.Fatalf("adjudication %v %v", ok, a.Cols)
	}
	var sum int64
	for _, r := range f.Where("responsibility", "adjudication", id) {
		sum += r.Int("percent")
	}
	if sum != 100 {
		t.Fatalf("shares add up to %d", sum)
	}
	d, _ := f.Find("defect", s.Defect)
	if d.Text("status") != "judged" || d.Marks["status"].Actor != w.Adjudicator.Person {
		t.Fatalf("defect %v by %s", d.Cols["status"], d.Marks["status"].Actor)
	}
	_, err = adjudicate(w, w.Adjudicator, judged(s, "store"))
	mustFault(t, err, fault.Stale, "")
}

func TestAdjudicateRefuses(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	rev := w.Row("defect", s.Defect).Rev
	cases := []struct {
		name    string
		who     office.Who
		change  func(*office.Judgement)
		code    syncproto.Code
		message string
	}{
		{"split of 90", w.Adjudicator, func(j *office.Judgement) { j.Split[1].Percent = 30 }, fault.Invalid, "adjudicate.split|90"},
		{"split of 110", w.Adjudicator, func(j *office.Judgement) { j.Split[1].Percent = 50 }, fault.Invalid, "adjudicate.split|110"},
		{"no split", w.Adjudicator, func(j *office.Judgement) { j.Split = nil }, fault.Invalid, "adjudicate.split|0"},
		{"negative share", w.Adjudicator, func(j *office.Judgement) { j.Split[0].Percent, j.Split[1].Percent = 120, -20 }, fault.Invalid, "adjudicate.share"},
		{"share of nobody", w.Adjudicator, func(j *office.Judgement) { j.Split[0].Party = " " }, fault.Invalid, "adjudicate.share"},
		{"no reason", w.Adjudicator, func(j *office.Judgement) { j.Reason = "" }, fault.Invalid, "adjudicate.reason"},
		{"no remedy", w.Adjudicator, func(j *office.Judgement) { j.Remedy = "magic" }, fault.Invalid, "adjudicate.remedy"},
		{"retake without what is missing", w.Adjudicator, func(j *office.Judgement) { j.Verdict, j.Split, j.Wanted = "retake", nil, "full" }, fault.Invalid, "adjudicate.lacks"},
		{"retake of no photo", w.Adjudicator, func(j *office.Judgement) { j.Verdict, j.Split, j.Lacks = "retake", nil, "模糊" }, fault.Invalid, "adjudicate.wanted"},
		{"return without what is missing", w.Adjudicator, func(j *office.Judgement) { j.Verdict, j.Split = "return", nil }, fault.Invalid, "adjudicate.lacks"},
		{"return with a split", w.Adjudicator, func(j *office.Judgement) { j.Verdict, j.Lacks = "return", "要看实物" }, fault.Invalid, "adjudicate.split-early"},
		{"unknown verdict", w.Adjudicator, func(j *office.Judgement) { j.Verdict = "guilty" }, fault.Invalid, "adjudicate.verdict"},
		{"long text", w.Adjudicator, func(j *office.Judgement) { j.TextStore = strings.Repeat("长", 700) }, fault.Invalid, "adjudicate.long"},
		{"old screen", w.Adjudicator, func(j *office.Judgement) { j.Base = rev - 1 }, fault.Stale, ""},
		{"unknown defect", w.Adjudicator, func(j *office.Judgement) { j.Defect = benchtest.NewID() }, syncproto.NotFound, ""},
		{"administrator", w.Admin, nil, syncproto.Forbidden, ""},
		{"clerk of the centre", w.Clerk, nil, syncproto.Forbidden, ""},
		{"supervisor of the centre", w.Supervisor, nil, syncproto.Forbidden, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := judged(s, "hq")
			if c.change != nil {
				c.change(&in)
			}
			_, err := adjudicate(w, c.who, in)
			mustFault(t, err, c.code, c.message)
		})
	}
	f := w.File(s.Job)
	if n := len(f.All("adjudication")) + len(f.All("responsibility")); n != 0 {
		t.Fatalf("%d rows were written by refused verdicts", n)
	}
	_, err := w.Bench.Adjudicate(context.Background(), w.Adjudicator, w.Other, judged(s, "hq"))
	mustFault(t, err, syncproto.NotFound, "")
}

func TestRetakeReachesTheRecordersPhone(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	id, err := adjudicate(w, w.Adjudicator, office.Judgement{Defect: s.Defect, Verdict: "retake", Lacks: "全景里看不到缺陷位置", Wanted: "full"})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Row("defect", s.Defect).Text("status"); got != "retake" {
		t.Fatalf("defect is %s", got)
	}
	rows, err := w.Store.StateRows(context.Background(), w.Centre, "instruction", "person", s.Phone.Device.Person)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d instructions, %v", len(rows), err)
	}
	args := rows[0].Text("args")
	for _, want := range []string{s.Defect.String(), s.Job.String(), id.String(), `"role":"full"`, "全景里看不到缺陷位置"} {
		if !strings.Contains(args, want) {
			t.Errorf("arguments %s lack %s", args, want)
		}
	}
	_, err = adjudicate(w, w.Second, judged(s, "hq"))
	mustFault(t, err, fault.Invalid, "adjudicate.waiting-photos")
}

func TestReturnWaitsForTheGoods(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	cost := int64(18000)
	if _, err := adjudicate(w, w.Adjudicator, office.Judgement{Defect: s.Defect, Verdict: "return", Lacks: "要看实物手感", Cost: &cost}); err != nil {
		t.Fatal(err)
	}
	f := w.File(s.Job)
	ship := f.First("return_shipment")
	if ship.Text("status") != "wanted" || ship.Int("cost") != cost {
		t.Fatalf("shipment %v", ship.Cols)
	}
	_, err := adjudicate(w, w.Adjudicator, judged(s, "hq"))
	mustFault(t, err, fault.Invalid, "adjudicate.waiting-goods")
	mustFault(t, w.Bench.Ship(ctx, w.Stranger, w.Centre, ship.ID, 0, "sent", "德邦"), syncproto.Forbidden, "")
	mustFault(t, w.Bench.Ship(ctx, w.Clerk, w.Centre, ship.ID, ship.Rev, "sent", ""), fault.Invalid, "adjudicate.carrier")
	if err := w.Bench.Ship(ctx, w.Clerk, w.Centre, ship.ID, ship.Rev, "sent", "德邦"); err != nil {
		t.Fatal(err)
	}
	mustFault(t, w.Bench.Ship(ctx, w.Clerk, w.Centre, ship.ID, ship.Rev, "sent", "德邦"), fault.Stale, "")
	if err := w.Bench.Ship(ctx, w.Adjudicator, w.Centre, ship.ID, 0, "received", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := adjudicate(w, w.Adjudicator, judged(s, "hq")); err != nil {
		t.Fatalf("second verdict with the goods here: %v", err)
	}
}

func TestAppealIsJudgedBySomebodyElse(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	if _, err := adjudicate(w, w.Adjudicator, judged(s, "store")); err != nil {
		t.Fatal(err)
	}
	w.Write(w.Centre, benchtest.Author(w.Supervisor), benchtest.Update("defect", s.Defect, 0, map[string]any{"status": "submitted"}))
	_, err := adjudicate(w, w.Adjudicator, judged(s, "store"))
	mustFault(t, err, syncproto.Forbidden, "adjudicate.appeal")
	if _, err := adjudicate(w, w.Second, judged(s, "hq")); err != nil {
		t.Fatal(err)
	}
}

func TestUrgeAsksThePhoneThatHasTheOriginal(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	mustFault(t, w.Bench.Urge(ctx, w.Stranger, w.Centre, s.Full), syncproto.Forbidden, "")
	if err := w.Bench.Urge(ctx, w.Adjudicator, w.Centre, s.Full); err != nil {
		t.Fatal(err)
	}
	rows, err := w.Store.StateRows(ctx, w.Centre, "instruction", "person", s.Phone.Device.Person)
	if err != nil || len(rows) != 1 || rows[0].Text("kind") != syncproto.KindUpload || rows[0].UUID("device") != s.Phone.Device.ID {
		t.Fatalf("%v %v", rows, err)
	}
	w.ArriveAll(s)
	mustFault(t, w.Bench.Urge(ctx, w.Clerk, w.Centre, s.Full), fault.Invalid, "adjudicate.in-already")
}
