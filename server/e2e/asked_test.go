package e2e

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/report"
	"siteledger/syncproto/schema"
)

// question gives the only question that the phone shows.
func (h *handset) question(text string) clientsdk.Notice {
	h.t.Helper()
	all, err := h.c.Notices(h.ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	var found []clientsdk.Notice
	for _, n := range all {
		if n.Kind == clientsdk.NoticeQuestion {
			found = append(found, n)
		}
	}
	if len(found) != 1 || found[0].Text != text {
		h.t.Fatalf("questions %+v, want %q", found, text)
	}
	return found[0]
}

func (h *handset) answers(n clientsdk.Notice, text string) {
	h.t.Helper()
	if err := h.c.Answer(h.ctx, n.Row, text); err != nil {
		h.t.Fatal(err)
	}
	h.sync()
}

// TestQuestionToOneWhoLeftTheJob: the office asks about work of an installer who
// does not have the job any more. His phone shows the question, he answers, and
// the case shows the answer; the new crew is not asked.
func TestQuestionToOneWhoLeftTheJob(t *testing.T) {
	m := newMoved(t)
	c := m.open(report.CaseHandover, "job_contact")
	m.decide(c, "ask", "reason", "这个号码是谁的?")
	m.first.sync()
	m.second.sync()
	m.first.heldIs(2) // a question decides nothing
	q := m.first.question("这个号码是谁的?")
	m.first.answers(q, "顾客女儿的 <b>手机</b>")
	page := m.get("/centre/reconcile?at=case."+c.ID.String(), "顾客女儿的 &lt;b&gt;手机&lt;/b&gt;", "这个号码是谁的?")
	if strings.Contains(page, "<b>手机</b>") {
		t.Error("the answer is markup on the page")
	}
	m.first.answers(q, "顾客女儿的新号") // he corrects himself
	m.get("/centre/reconcile?at=case."+c.ID.String(), "顾客女儿的新号")
	if f, err := m.a.Store.JobFile(m.ctx, m.centre, m.job); err != nil || len(f.All("note")) != 0 {
		t.Errorf("the job has %d notes, %v", len(f.All("note")), err)
	}
	if all, err := m.second.c.Notices(m.ctx); err != nil || len(all) != 0 {
		t.Errorf("the other phone shows %+v, %v", all, err)
	}
	if err := m.second.c.Answer(m.ctx, q.Row, "我来回答"); clientsdk.CodeOf(err) != clientsdk.CodeRowUnknown {
		t.Errorf("a phone answers what it was not asked: %v", err)
	}
	// Back on the job, he is asked where he works.
	m.move(0)
	m.first.sync()
	m.decide(c, "ask", "reason", "和顾客核对过吗?")
	m.first.sync()
	m.first.question("这个号码是谁的?")
	var asked int
	err := m.first.c.View(m.ctx, func(v *clientsdk.View) error {
		rows, err := v.Rows("note", clientsdk.Query{Where: map[string]any{"root": m.job, "kind": "question"}})
		asked = len(rows)
		return err
	})
	if err != nil || asked != 1 {
		t.Errorf("%d questions in the job, %v", asked, err)
	}
}

// TestQuestionAboutNoJob: what is held belongs to a person, not to a job.
func TestQuestionAboutNoJob(t *testing.T) {
	d := newDesk(t)
	s, h := d.screen(schema.Clerk), &handset{d, d.c}
	other := &handset{d, openPhone(t, t.TempDir(), d.a.URL())}
	enrol(t, d.a, other.c, person(t, d.a, d.centre, "陈师傅", schema.Installer))
	id := uuid.Must(uuid.NewV7())
	for i, p := range []*handset{other, h} { // the second one's row is there already
		if err := p.c.Edit(d.ctx, func(e *clientsdk.Edit) error {
			return e.InsertID("day_summary", id, map[string]any{"day": "2026-11-22", "text": []string{"别人的", "我的"}[i]})
		}); err != nil {
			t.Fatal(err)
		}
		p.sync()
	}
	h.heldIs(1)
	queue, _, err := d.a.Store.Queue(d.ctx, d.centre, d.a.Now())
	if err != nil || len(queue) != 1 || queue[0].Kind != report.CaseHeld {
		t.Fatalf("queue %+v, %v", queue, err)
	}
	at := "/centre/reconcile?at=case." + queue[0].ID.String()
	s.post("/centre/reconcile/decide", "case", queue[0].ID.String(), "verdict", "ask", "reason", "哪一天的小结?")
	h.sync()
	q := h.question("哪一天的小结?")
	// Whoever learns the question's id can't answer in his place.
	if err := other.c.Edit(d.ctx, func(e *clientsdk.Edit) error {
		return e.InsertID("day_summary", q.Row, map[string]any{"day": "2026-11-22", "text": "冒名的答复"})
	}); err != nil {
		t.Fatal(err)
	}
	other.sync()
	if page := s.get(at, "哪一天的小结?"); strings.Contains(page, "冒名的答复") {
		t.Error("the page shows somebody else's answer")
	}
}
