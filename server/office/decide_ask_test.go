package office_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/server/report"
	"siteledger/syncproto"
)

// heldCases are the open cases of held work, oldest first.
func heldCases(t *testing.T, w *benchtest.World) []uuid.UUID {
	t.Helper()
	items, _, err := w.Store.Queue(t.Context(), w.Centre, w.Now)
	if err != nil {
		t.Fatal(err)
	}
	var out []uuid.UUID
	for _, it := range items {
		if it.Kind == report.CaseHeld || it.Kind == report.CaseHandover {
			out = append(out, it.ID)
		}
	}
	return out
}

func ask(t *testing.T, w *benchtest.World, id uuid.UUID, text string) office.Decided {
	t.Helper()
	done, err := w.Bench.Decide(t.Context(), w.Clerk, office.Ruling{Case: id, Verdict: office.VerdictAsk, Reason: text})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := w.Store.Case(t.Context(), w.Centre, id); err != nil || !c.Open {
		t.Errorf("the case is open %v, %v", c.Open, err)
	}
	return done
}

// TestAskWhoeverCanAnswer: in the job where the writer is on its crew, himself
// where he is not or where there is no job, and by the phone that sent it where
// the bytes can't be read.
func TestAskWhoeverCanAnswer(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	questions := func() int {
		n := 0
		f := w.File(s.Job)
		for _, r := range f.All("note") {
			if r.Text("kind") == "question" {
				n++
			}
		}
		return n
	}
	toHimself := func(done office.Decided, person uuid.UUID, device []byte) {
		t.Helper()
		r := w.Row("instruction", done.Decision)
		if r.Text("kind") != syncproto.KindMessage || r.UUID("person") != person || string(r.Bytes("device")) != string(device) || !strings.Contains(r.Text("args"), "case") {
			t.Errorf("the instruction %v", r.Cols)
		}
	}

	s.Phone.Record(benchtest.Update("job", s.Job, 0, map[string]any{"status": "new"})) // no such step
	s.Phone.Push()
	before := questions()
	ask(t, w, heldCases(t, w)[0], "为什么退回?")
	if questions() != before+1 {
		t.Error("the crew is not asked in the job")
	}

	guest := w.Phone("外来师傅")
	guest.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": "我也在", "at": w.Now.UnixMilli()}))
	guest.Push()
	for _, id := range heldCases(t, w) {
		if c, err := w.Store.Case(t.Context(), w.Centre, id); err != nil || c.Kind == report.CaseHandover || c.Table == "note" {
			toHimself(ask(t, w, id, "你在这一单上吗?"), guest.Device.Person, nil)
		}
	}
	if questions() != before+1 {
		t.Error("one who is not on the job is asked in it")
	}

	known := len(heldCases(t, w))
	odd := w.Phone("坏手机")
	odd.Noise([]byte{0xff, 0x00})
	odd.Push()
	held := heldCases(t, w)
	if len(held) != known+1 {
		t.Fatalf("%d held cases, want %d", len(held), known+1)
	}
	asked := 0
	for _, id := range held {
		c, err := w.Store.Case(t.Context(), w.Centre, id)
		if err != nil {
			t.Fatal(err)
		}
		if c.Sides.Reason == string(syncproto.Undecodable) {
			toHimself(ask(t, w, id, "手机出了什么问题?"), odd.Device.Person, odd.Device.ID[:])
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("%d cases of what can't be read", asked)
	}
	if _, err := w.Bench.Decide(t.Context(), w.Stranger, office.Ruling{Case: held[0], Verdict: office.VerdictAsk, Reason: "?"}); err == nil {
		t.Error("another centre asks")
	}
}
