package office_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// filled is a whole leftover form.
func filled(s *benchtest.Story) office.Leftover {
	in := office.Leftover{Defect: s.Defect, Class: "hq", Texts: map[string]string{}, Times: map[string]int64{"order_time": 1_790_000_000_000, "delivery_date": 1_791_000_000_000}}
	for _, name := range office.LeftoverColumns() {
		if name != "order_time" && name != "delivery_date" {
			in.Texts[name] = "填写 " + name
		}
	}
	return in
}

func rows(t *testing.T, w *benchtest.World, table string, defect uuid.UUID) []schema.Row {
	t.Helper()
	out, err := w.Store.StateRows(context.Background(), w.Centre, table, "defect", defect)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLeftoverFormNamesWhatIsMissing(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	in := filled(s)
	in.Texts["edge_band"], in.Texts["change_content"], in.Times["delivery_date"] = " ", "", 0
	err := w.Bench.File(ctx, w.Clerk, w.Centre, in)
	mustFault(t, err, fault.Invalid, "leftover.need|leftover_order.delivery_date\nleftover.need|leftover_order.change_content\nleftover.need|leftover_order.edge_band")
	in = filled(s)
	mustFault(t, w.Bench.File(ctx, w.Stranger, w.Centre, in), syncproto.Forbidden, "")
	mustFault(t, w.Bench.File(ctx, w.Admin, w.Centre, in), syncproto.Forbidden, "")
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, in); err != nil {
		t.Fatal(err)
	}
	mustFault(t, w.Bench.File(ctx, w.Clerk, w.Centre, in), fault.Stale, "leftover.stale")
	filed := rows(t, w, "leftover_order", s.Defect)
	if len(filed) != 1 || filed[0].Text("class") != "hq" || filed[0].UUID("author") != w.Clerk.Person {
		t.Fatalf("%v", filed)
	}
	in.Base, in.Texts["reason"] = filed[0].Rev, "重做第二块门板"
	if err := w.Bench.File(ctx, w.Supervisor, w.Centre, in); err != nil {
		t.Fatal(err)
	}
	if filed = rows(t, w, "leftover_order", s.Defect); len(filed) != 1 || filed[0].Text("reason") != "重做第二块门板" {
		t.Fatalf("%v", filed)
	}
	in.Base, in.Texts["reason"] = filed[0].Rev, strings.Repeat("长", 400)
	mustFault(t, w.Bench.File(ctx, w.Clerk, w.Centre, in), fault.Invalid, "leftover.long")
}

func TestNewLeftoverFormBeginsWithWhatIsKnown(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	f := w.File(s.Job)
	d, _ := f.Find("defect", s.Defect)
	row, written, err := w.Bench.LeftoverOf(context.Background(), &f, d)
	if err != nil || written {
		t.Fatal(written, err)
	}
	for name, want := range map[string]string{"contract_no": "HT-2026-0117", "customer": "张𠮷", "address": "幸福里 3 幢 1201", "material": "模压门板 E0", "edge_profile": "直边", "edge_band": "PVC 同色", "drawing_size": "598 mm"} {
		if got := row.Text(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if row.Int("order_time") == 0 {
		t.Error("the order's time is not taken over")
	}
}

func TestCountertopNeedsItsDrawing(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	w.Write(w.Centre, benchtest.System(), benchtest.Update("defect", s.Defect, w.Row("defect", s.Defect).Rev, map[string]any{"class": "top_warp"}))
	mustFault(t, w.Bench.File(ctx, w.Clerk, w.Centre, filled(s)), fault.Invalid, "leftover.drawing")
	a := office.Annex{Defect: s.Defect, Name: "台面.dwg", SHA: [32]byte(benchtest.Sum("drawing")), Size: 5000, Type: "image/vnd.dwg"}
	mustFault(t, w.Bench.Attach(ctx, w.Clerk, w.Centre, a), fault.Invalid, "annex.actual")
	a.ActualSize = true
	mustFault(t, w.Bench.Attach(ctx, w.Stranger, w.Centre, a), syncproto.Forbidden, "")
	for _, bad := range []string{"台面.exe", "dwg", "", "../x.dwg", "台面.dwg.html"} {
		b := a
		b.Name = bad
		if err := w.Bench.Attach(ctx, w.Clerk, w.Centre, b); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := w.Bench.Attach(ctx, w.Clerk, w.Centre, a); err != nil {
		t.Fatal(err)
	}
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, filled(s)); err != nil {
		t.Fatal(err)
	}
	for range office.MaxAnnexes - 1 {
		if err := w.Bench.Attach(ctx, w.Adjudicator, w.Centre, a); err != nil {
			t.Fatal(err)
		}
	}
	mustFault(t, w.Bench.Attach(ctx, w.Clerk, w.Centre, a), fault.Invalid, "annex.many")
}

func TestAppealNeedsNewEvidenceAndIsHeardOnce(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	appeal := func(who office.Who) error {
		return w.Bench.Appeal(ctx, who, w.Centre, s.Defect, 0, "色差在批次内,不是我们的责任")
	}
	mustFault(t, appeal(w.Supervisor), fault.Invalid, "appeal.not-judged")
	if _, err := adjudicate(w, w.Adjudicator, judged(s, "store")); err != nil {
		t.Fatal(err)
	}
	mustFault(t, appeal(w.Supervisor), fault.Invalid, "appeal.evidence")
	for _, who := range []office.Who{w.Clerk, w.Stranger, w.Adjudicator, w.Admin} {
		mustFault(t, appeal(who), syncproto.Forbidden, "")
	}
	if err := w.Bench.Attach(ctx, w.Clerk, w.Centre, office.Annex{Defect: s.Defect, Name: "批次.pdf", SHA: [32]byte(benchtest.Sum("pdf")), Size: 900, Type: "application/pdf", ActualSize: true}); err != nil {
		t.Fatal(err)
	}
	mustFault(t, w.Bench.Appeal(ctx, w.Supervisor, w.Centre, s.Defect, 0, "不"), fault.Invalid, "appeal.text")
	if err := appeal(w.Supervisor); err != nil {
		t.Fatal(err)
	}
	_, err := adjudicate(w, w.Adjudicator, judged(s, "store"))
	mustFault(t, err, syncproto.Forbidden, "adjudicate.appeal")
	for _, verdict := range []string{"retake", "return"} { // nor may he hold it up
		_, err := adjudicate(w, w.Adjudicator, office.Judgement{Defect: s.Defect, Verdict: verdict, Lacks: "看不清", Wanted: "close"})
		mustFault(t, err, syncproto.Forbidden, "adjudicate.appeal")
	}
	if _, err := adjudicate(w, w.Second, judged(s, "hq")); err != nil {
		t.Fatal(err)
	}
	mustFault(t, appeal(w.Supervisor), fault.Invalid, "appeal.once")
}

func TestAdviceDecidesNothing(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	for who, code := range map[office.Who]syncproto.Code{w.Clerk: "", w.Second: "", w.Stranger: syncproto.Forbidden, w.Admin: syncproto.Forbidden} {
		err := w.Bench.Advise(ctx, who, w.Centre, s.Defect, "建议重做整组")
		if code == "" && err != nil || code != "" && fault.CodeOf(err) != code {
			t.Errorf("%s: %v", who.Role, err)
		}
	}
	mustFault(t, w.Bench.Advise(ctx, w.Clerk, w.Centre, s.Defect, " "), fault.Invalid, "advise.text")
	n := 0
	for _, r := range w.File(s.Job).All("note") {
		if r.Text("kind") == "opinion" {
			n++
		}
	}
	if n != 2 || w.Row("defect", s.Defect).Text("status") != "submitted" {
		t.Fatalf("%d opinions, the case is %s", n, w.Row("defect", s.Defect).Text("status"))
	}
}

func TestMarksStandBesideThePhoto(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	before := w.Row("photo", s.Full)
	for _, bad := range []string{"", "{}", `[{"k":"script","p":[0,0,1,1]}]`, `[{"k":"box","p":[0,0,1,2]}]`, `[{"k":"box","p":[0,0,1,-0.5]}]`, "[" + strings.Repeat(`{"k":"box","p":[0,0,1,1]},`, 40) + `{"k":"box","p":[0,0,1,1]}]`} {
		if err := w.Bench.Mark(ctx, w.Adjudicator, w.Centre, s.Defect, s.Full, bad); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
	mustFault(t, w.Bench.Mark(ctx, w.Adjudicator, w.Centre, s.Defect, s.After, "[]"), syncproto.NotFound, "")
	mustFault(t, w.Bench.Mark(ctx, w.Admin, w.Centre, s.Defect, s.Full, "[]"), syncproto.Forbidden, "")
	if err := w.Bench.Mark(ctx, w.Adjudicator, w.Centre, s.Defect, s.Full, `[{"k":"arrow","p":[0.123456,0.2,0.5,0.6]}]`); err != nil {
		t.Fatal(err)
	}
	marks := rows(t, w, "photo_mark", s.Defect)
	if len(marks) != 1 || marks[0].Text("shapes") != `[{"k":"arrow","p":[0.1234,0.2,0.5,0.6]}]` || marks[0].UUID("photo") != s.Full {
		t.Fatalf("%v", marks)
	}
	if after := w.Row("photo", s.Full); after.Rev != before.Rev {
		t.Error("the photo's own row changed")
	}
}

// TestMeasuringIsTheOfficesOwnSum: the length of a stretch follows from the
// ruler on the tape measure, with who and when, whatever the browser says.
func TestMeasuringIsTheOfficesOwnSum(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	for _, bad := range []string{`[{"k":"length","p":[0,0,1,1],"mm":5}]`, `[{"k":"ruler","p":[0.1,0.5,0.1,0.5],"mm":5,"r":1.3333}]`, `[{"k":"ruler","p":[0,0,1,1],"mm":-5,"r":1.3333}]`} {
		mustFault(t, w.Bench.Mark(ctx, w.Adjudicator, w.Centre, s.Defect, s.Full, bad), fault.Invalid, "mark.ruler")
	}
	if err := w.Bench.Mark(ctx, w.Adjudicator, w.Centre, s.Defect, s.Full, `[{"k":"ruler","p":[0.1,0.5,0.4,0.5],"mm":100,"r":1.33333},{"k":"length","p":[0.1,0.1,0.7,0.1],"mm":1}]`); err != nil {
		t.Fatal(err)
	}
	marks := rows(t, w, "photo_mark", s.Defect)
	m := marks[len(marks)-1]
	if m.Text("shapes") != `[{"k":"ruler","p":[0.1,0.5,0.4,0.5],"mm":100,"r":1.3333},{"k":"length","p":[0.1,0.1,0.7,0.1],"mm":200}]` || m.UUID("author") != w.Adjudicator.Person || m.Int("at") != w.Now.UnixMilli() {
		t.Errorf("%v", m.Cols)
	}
}

// TestMarksGoWithARetake: what the adjudicator drew is in the instruction to
// the phone, as much as fits, and nothing of it where nothing is drawn.
func TestMarksGoWithARetake(t *testing.T) {
	w := benchtest.Open(t)
	ctx := context.Background()
	ask := func(s *benchtest.Story) (schema.Row, []fieldwork.PhotoMarks) {
		t.Helper()
		if _, err := w.Bench.Adjudicate(ctx, w.Adjudicator, w.Centre, office.Judgement{Defect: s.Defect, Verdict: "retake", Lacks: strings.Repeat("看不清裂缝的末端", 16), Wanted: "close"}); err != nil {
			t.Fatal(err)
		}
		all, err := w.Store.StateRows(ctx, w.Centre, "instruction", "person", s.Phone.Device.Person)
		if err != nil || len(all) == 0 {
			t.Fatalf("%v, %v", all, err)
		}
		var args map[string]string
		if err := json.Unmarshal([]byte(all[len(all)-1].Text("args")), &args); err != nil {
			t.Fatal(err)
		}
		marks, err := fieldwork.ReadMarks(args["marks"])
		if err != nil {
			t.Fatal(err)
		}
		return all[len(all)-1], marks
	}
	if _, marks := ask(w.Finished()); len(marks) != 0 {
		t.Errorf("nothing was drawn and %v was sent", marks)
	}
	s := w.Finished()
	for _, text := range []string{`[{"k":"box","p":[0,0,1,1]}]`, `[{"k":"box","p":[0.25,0.5,0.75,0.9]},{"k":"arrow","p":[0.1,0.1,0.2,0.2]}]`} {
		if err := w.Bench.Mark(ctx, w.Adjudicator, w.Centre, s.Defect, s.Full, text); err != nil {
			t.Fatal(err)
		}
	}
	_, marks := ask(s)
	if len(marks) != 1 || marks[0].Photo != s.Full || len(marks[0].Shapes) != 2 || marks[0].Shapes[0].At != [4]float64{0.25, 0.5, 0.75, 0.9} {
		t.Errorf("%+v", marks)
	}
	s = w.Finished()
	most := "[" + strings.Repeat(`{"k":"box","p":[0.1234,0.1234,0.1234,0.1234]},`, fieldwork.MaxShapes-1) + `{"k":"arrow","p":[0.1234,0.1234,0.1234,0.1234]}]`
	for _, photo := range []uuid.UUID{s.Full, s.Close} {
		if err := w.Bench.Mark(ctx, w.Adjudicator, w.Centre, s.Defect, photo, most); err != nil {
			t.Fatal(err)
		}
	}
	row, marks := ask(s)
	if len(row.Text("args")) > 4000 || len(marks) == 0 {
		t.Errorf("%d bytes of arguments, %d photos", len(row.Text("args")), len(marks))
	}
}
