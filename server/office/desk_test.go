package office_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

var china = time.FixedZone("CST", 8*3600)

func desk(t *testing.T, w *benchtest.World) *office.Office {
	t.Helper()
	o, err := office.New(w.Ledger, w.Store, w.Schema, func() time.Time { return w.Now }, benchtest.NewID, china)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func ordinaryCall() office.Intake {
	return office.Intake{Customer: office.Customer{Name: "张三", Phone: "13800001111"}, Kind: "repair", Channel: "phone", AskedWork: "抽屉卡住"}
}

func TestCallsAtTheSameTimeGetTheirOwnNumbers(t *testing.T) {
	w := benchtest.Open(t)
	o := desk(t, w)
	var mu sync.Mutex
	var numbers []string
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			taken, err := o.Intake(context.Background(), w.Clerk, ordinaryCall())
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			numbers = append(numbers, taken.JobNo)
		})
	}
	group.Wait()
	slices.Sort(numbers)
	day := w.Now.In(china).Format("060102")
	for i, no := range numbers {
		if want := fmt.Sprintf("SH%s-%03d", day, i+1); no != want {
			t.Errorf("number %d is %s, want %s", i, no, want)
		}
	}
	in := ordinaryCall()
	in.Kind = "install"
	taken, err := o.Intake(context.Background(), w.Clerk, in)
	if err != nil || taken.JobNo != "AZ"+day+"-001" {
		t.Errorf("%s %v", taken.JobNo, err)
	}
}

func TestIntakeIsAllOrNothing(t *testing.T) {
	w := benchtest.Open(t)
	o := desk(t, w)
	in := ordinaryCall()
	in.Contract.No = "C-1"
	in.Crew = []uuid.UUID{w.Clerk.Person} // no installer
	if _, err := o.Intake(context.Background(), w.Clerk, in); fault.CodeOf(err) != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	known, err := w.Store.KnownContracts(context.Background(), w.Centre)
	if err != nil || len(known) != 0 {
		t.Errorf("a refused call left %v %v", known, err)
	}
}

func TestOnlyTheDeskTakesCalls(t *testing.T) {
	w := benchtest.Open(t)
	o := desk(t, w)
	taken, err := o.Intake(context.Background(), w.Clerk, ordinaryCall())
	if err != nil {
		t.Fatal(err)
	}
	installer := w.Person(w.Centre, "李师傅", schema.Installer)
	for name, who := range map[string]office.Who{"adjudicator": w.Adjudicator, "administrator": w.Admin, "installer": installer} {
		if _, err := o.Intake(context.Background(), who, ordinaryCall()); fault.CodeOf(err) != syncproto.Forbidden {
			t.Errorf("%s took a call: %v", name, err)
		}
		if err := o.AddNote(context.Background(), who, taken.Job, "note", "x"); fault.CodeOf(err) != syncproto.Forbidden {
			t.Errorf("%s wrote a note: %v", name, err)
		}
		if _, err := o.PlanImport(context.Background(), who, nil); fault.CodeOf(err) != syncproto.Forbidden {
			t.Errorf("%s planned an import: %v", name, err)
		}
	}
	for name, do := range map[string]func() error{
		"dispatch": func() error {
			return o.Dispatch(context.Background(), w.Stranger, office.Dispatch{Job: taken.Job, Crew: []uuid.UUID{installer.Person}})
		},
		"slot": func() error {
			return o.MoveSlot(context.Background(), w.Stranger, office.Slot{Job: taken.Job, From: 1, To: 2})
		},
		"cancel": func() error { return o.Cancel(context.Background(), w.Stranger, taken.Job, 0, "x") },
		"note":   func() error { return o.AddNote(context.Background(), w.Stranger, taken.Job, "note", "x") },
	} {
		if err := do(); fault.CodeOf(err) != syncproto.NotFound {
			t.Errorf("%s on another centre's job: %v", name, err)
		}
	}
}

func TestDispatchKeepsOneRowPerPerson(t *testing.T) {
	w := benchtest.Open(t)
	o := desk(t, w)
	ctx := context.Background()
	li, wang := w.Person(w.Centre, "李师傅", schema.Installer).Person, w.Person(w.Centre, "王师傅", schema.Installer).Person
	taken, err := o.Intake(ctx, w.Clerk, ordinaryCall())
	if err != nil {
		t.Fatal(err)
	}
	for _, crew := range [][]uuid.UUID{{li}, {wang}, {li, wang}, {li, li, wang}, {wang, li}} {
		if err := o.Dispatch(ctx, w.Clerk, office.Dispatch{Job: taken.Job, Crew: crew}); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := w.Store.StateRows(ctx, w.Centre, "assignment", "job", taken.Job)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows %v", len(rows), err)
	}
	for _, r := range rows {
		if !r.Bool("active") || r.Bool("lead") != (r.UUID("person") == wang) {
			t.Errorf("%v", r.Cols)
		}
	}
	if got := w.Row("job", taken.Job).Text("status"); got != "dispatched" {
		t.Errorf("status %s", got)
	}
}

func TestQuietHours(t *testing.T) {
	at := func(h, m int) int64 { return time.Date(2026, 11, 22, h, m, 0, 0, china).UnixMilli() }
	for _, c := range []struct {
		from, to  int64
		quiet     [2]int64
		want      bool
		situation string
	}{
		{at(12, 30), at(13, 30), [2]int64{720, 840}, true, "inside"},
		{at(11, 0), at(12, 30), [2]int64{720, 840}, true, "runs into it"},
		{at(11, 0), at(15, 0), [2]int64{720, 840}, true, "around it"},
		{at(9, 0), at(12, 0), [2]int64{720, 840}, false, "ends as it begins"},
		{at(14, 0), at(16, 0), [2]int64{720, 840}, false, "begins as it ends"},
		{at(21, 0), at(23, 0), [2]int64{1320, 420}, true, "into a quiet night"},
		{at(6, 0), at(8, 0), [2]int64{1320, 420}, true, "before a quiet night ends"},
		{at(9, 0), at(11, 0), [2]int64{1320, 420}, false, "far from a quiet night"},
		{0, 0, [2]int64{720, 840}, false, "no slot"},
		{at(12, 0), at(13, 0), [2]int64{0, 0}, false, "no quiet hours"},
	} {
		if got := office.InQuiet(c.from, c.to, c.quiet[0], c.quiet[1], china); got != c.want {
			t.Errorf("%s: %v", c.situation, got)
		}
	}
}

func TestWarrantyByTheContract(t *testing.T) {
	for until, want := range map[int64]string{0: "unknown", 99: "out", 100: "in", 101: "in"} {
		if got := office.Warranty(until, 100); got != want {
			t.Errorf("until %d: %s", until, got)
		}
	}
}

func TestDatesPeopleType(t *testing.T) {
	want := time.Date(2026, 3, 4, 0, 0, 0, 0, china).UnixMilli()
	for _, s := range []string{"2026-03-04", "2026/3/4", "2026.3.4", "2026年3月4日", "20260304", "2026-3-4", "46085"} {
		if got, ok := office.ParseDate(s, china); !ok || got != want {
			t.Errorf("%s: %d %v, want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "去年", "3/4", "1800-01-01", "12", "2026-13-01", "99999999999"} {
		if _, ok := office.ParseDate(s, china); ok {
			t.Errorf("%q is taken for a date", s)
		}
	}
}

func TestExportsHoldNoFormulas(t *testing.T) {
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "|x", "%x"} {
		if got := office.Harmless(s); !strings.HasPrefix(got, "'") {
			t.Errorf("%q stays %q", s, got)
		}
	}
	for _, s := range []string{"", "张三", "13800001111", "'x", "3 栋"} {
		if got := office.Harmless(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}

func TestBigImportGoesInParts(t *testing.T) {
	w := benchtest.Open(t)
	o := desk(t, w)
	lines := make([]office.ImportLine, 950)
	for i := range lines {
		cells := make([]string, len(office.ImportColumns()))
		cells[0], cells[1], cells[4], cells[11] = fmt.Sprintf("客户%d", i), fmt.Sprintf("138%08d", i), fmt.Sprintf("C-%d", i), "橱柜"
		lines[i] = office.ImportLine{Line: i + 2, Cells: cells}
	}
	plan, err := o.Import(context.Background(), w.Clerk, lines)
	if err != nil || plan.Customers != 950 || plan.Items != 950 || len(plan.Bad) != 0 {
		t.Fatalf("%+v %v", plan, err)
	}
	_, n, err := w.Store.Customers(context.Background(), w.Centre, 1, 0)
	if err != nil || n != 950 {
		t.Errorf("%d %v", n, err)
	}
	if _, err := o.Import(context.Background(), w.Clerk, make([]office.ImportLine, office.MaxImportRows+1)); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}
