package office_test

import (
	"context"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// walk gives a verdict with a remedy and the remedy's steps, one after another.
type walk struct {
	*testing.T
	*benchtest.World
	story *benchtest.Story
}

func (w *walk) row() schema.Row {
	w.T.Helper()
	all := rows(w.T, w.World, "remedy", w.story.Defect)
	if len(all) == 0 {
		w.T.Fatal("there is no remedy")
	}
	return all[len(all)-1]
}

func (w *walk) step(who office.Who, to string) error {
	w.T.Helper()
	return w.Bench.MoveRemedy(context.Background(), who, w.Centre, office.RemedyStep{Remedy: w.row().ID, To: to, RegisterNo: "ZP-7", Words: "同意", Amount: 5000})
}

func (w *walk) answer(answer string, attempts int64) error {
	w.T.Helper()
	return w.Bench.AnswerRemedy(context.Background(), w.Clerk, w.Centre, office.RemedyAnswer{Remedy: w.row().ID, Answer: answer, Attempts: attempts, Words: "可以"})
}

func (w *walk) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func begin(t *testing.T, w *benchtest.World, remedy string) *walk {
	t.Helper()
	s := w.Finished()
	in := judged(s, "hq")
	in.Remedy = remedy
	if _, err := adjudicate(w, w.Adjudicator, in); err != nil {
		t.Fatal(err)
	}
	return &walk{t, w, s}
}

// Every kind of remedy goes its own way, and no step of another's.
func TestRemediesGoTheirWay(t *testing.T) {
	w := benchtest.Open(t)
	all := []string{office.RemedyApproved, office.RemedyRefused, office.RemedyRegistered, office.RemedyGoodsIn, office.RemedyFinance, office.RemedyDone}
	for remedy, kind := range map[string]string{"negotiate": "negotiate", "gift": "gift", "discount": "discount", "remake": "replace", "refund": "return"} {
		t.Run(remedy, func(t *testing.T) {
			k := begin(t, w, remedy)
			if got := k.row(); got.Text("kind") != kind || got.Text("status") != office.RemedyProposed {
				t.Fatalf("%v", got.Cols)
			}
			k.must(k.answer("agreed", 0))
			path := office.RemedyPath(kind)
			for i, at := range path[:len(path)-1] {
				for _, to := range all {
					if to == path[i+1] || to == office.RemedyRefused && at == office.RemedyProposed {
						continue
					}
					mustFault(t, k.step(w.Supervisor, to), fault.Invalid, "remedy.path")
				}
				k.must(k.step(w.Supervisor, path[i+1]))
			}
			mustFault(t, k.step(w.Supervisor, office.RemedyDone), fault.Invalid, "remedy.path")
		})
	}
	s := w.Finished()
	in := judged(s, "customer")
	in.Remedy = "none"
	if _, err := adjudicate(w, w.Adjudicator, in); err != nil || len(rows(t, w, "remedy", s.Defect)) != 0 {
		t.Errorf("a verdict without a remedy opened one, %v", err)
	}
}

func TestRemedyWaitsForTheLeaderAndTheCustomer(t *testing.T) {
	w := benchtest.Open(t)
	k := begin(t, w, "discount")
	for _, who := range []office.Who{w.Clerk, w.Adjudicator, w.Stranger, w.Admin} {
		mustFault(t, k.step(who, office.RemedyApproved), syncproto.Forbidden, "")
	}
	mustFault(t, k.step(w.Supervisor, office.RemedyFinance), fault.Invalid, "remedy.path") // finance before approval
	k.must(k.step(w.Supervisor, office.RemedyApproved))
	mustFault(t, k.step(w.Clerk, office.RemedyFinance), fault.Invalid, "remedy.customer")
	mustFault(t, k.answer("unreachable", 2), fault.Invalid, "remedy.attempts")
	mustFault(t, k.answer("maybe", 0), fault.Invalid, "remedy.answer")
	k.must(k.answer("disagreed", 0))
	mustFault(t, k.step(w.Clerk, office.RemedyFinance), fault.Invalid, "remedy.customer")
	k.must(k.answer("unreachable", 3))
	k.must(k.step(w.Clerk, office.RemedyFinance))
	if r := k.row(); r.UUID("decided_by") != w.Supervisor.Person || r.Int("amount") != 5000 || r.Int("finance_at") == 0 {
		t.Fatalf("%v", r.Cols)
	}

	gift := begin(t, w, "gift")
	gift.must(gift.answer("agreed", 0))
	gift.must(gift.step(w.Supervisor, office.RemedyApproved))
	err := w.Bench.MoveRemedy(context.Background(), w.Clerk, w.Centre, office.RemedyStep{Remedy: gift.row().ID, To: office.RemedyRegistered})
	mustFault(t, err, fault.Invalid, "remedy.register")

	no := begin(t, w, "gift")
	no.must(no.step(w.Supervisor, office.RemedyRefused))
	mustFault(t, no.step(w.Supervisor, office.RemedyApproved), fault.Invalid, "remedy.path")
}

func TestAppealHoldsTheRemedy(t *testing.T) {
	w := benchtest.Open(t)
	k := begin(t, w, "remake")
	k.must(w.Bench.Attach(context.Background(), w.Clerk, w.Centre, office.Annex{Defect: k.story.Defect, Name: "a.dxf", SHA: [32]byte(benchtest.Sum("a")), Size: 1, Type: "image/vnd.dxf", ActualSize: true}))
	k.must(w.Bench.Appeal(context.Background(), w.Supervisor, w.Centre, k.story.Defect, 0, "请再看一次图纸"))
	mustFault(t, k.step(w.Supervisor, office.RemedyApproved), fault.Invalid, "remedy.overtaken")
}
