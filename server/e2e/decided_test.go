package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// screen is a clerk's browser without scripts, signed in at the doors.
type screen struct {
	*desk
	http *http.Client
	csrf string
}

func (d *desk) screen(role schema.Role) *screen {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	s := &screen{desk: d, http: &http.Client{Jar: jar}}
	_, password, err := d.a.Auth.CreatePerson(d.ctx, auth.Operator(), auth.NewPerson{Centre: d.centre, Name: "王芳", Role: role, Login: "wangfang"})
	if err != nil {
		d.t.Fatal(err)
	}
	page := s.post("/signin", "login", "wangfang", "password", password)
	m := regexp.MustCompile(`data-csrf="([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		d.t.Fatalf("not signed in: %.300s", page)
	}
	s.csrf = m[1]
	return s
}

func (s *screen) answer(res *http.Response, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d %v\n%.2000s", res.Request.URL, res.StatusCode, err, b)
	}
	return string(b)
}

func (s *screen) get(path string, words ...string) string {
	s.t.Helper()
	page := s.answer(s.http.Get(s.a.URL() + path))
	for _, w := range words {
		if !strings.Contains(page, w) {
			s.t.Errorf("%s does not say %q", path, w)
		}
	}
	return page
}

func (s *screen) post(path string, pairs ...string) string {
	s.t.Helper()
	form := url.Values{"csrf": {s.csrf}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return s.answer(s.http.PostForm(s.a.URL()+path, form))
}

// open gives the only open case of the job that is of a kind and about a table,
// and looks at its page.
func (s *screen) open(kind, table string, words ...string) report.Case {
	s.t.Helper()
	f, err := s.a.Store.JobFile(s.ctx, s.centre, s.job)
	if err != nil {
		s.t.Fatal(err)
	}
	var found []report.Case
	for _, c := range f.Cases {
		if c.Open && c.Kind == kind && c.Table == table {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		s.t.Fatalf("%d open cases of kind %s among %+v", len(found), kind, f.Cases)
	}
	s.get("/centre/reconcile?at=case."+found[0].ID.String(), words...)
	return found[0]
}

func (s *screen) decide(c report.Case, verdict string, more ...string) {
	s.t.Helper()
	s.post("/centre/reconcile/decide", append(more, "case", c.ID.String(), "verdict", verdict)...)
}

// undo takes back what was decided, by the compensating decision.
func (s *screen) undo(c report.Case) {
	s.t.Helper()
	s.post("/centre/reconcile/revise", "case", c.ID.String(), "undo", "1", "reason", "看错了")
}

// handset is a phone of the job's story.
type handset struct {
	*desk
	c *clientsdk.Client
}

// sync brings the phone into step; afterwards nothing may wait, and its rows
// must be the server's without a repair.
func (h *handset) sync() {
	h.t.Helper()
	for range 2 {
		r, err := h.c.Sync(h.ctx)
		if err != nil || r.Repaired {
			h.t.Fatalf("sync: %+v, %v", r, err)
		}
	}
	if st, err := h.c.Status(h.ctx); err != nil || st.Pending != 0 || st.Problem.Code != "" {
		h.t.Fatalf("after a sync: %+v, %v", st, err)
	}
}

// shows wants what the phone shows in a column, and whether it is marked as
// held; nil is for no row.
func (h *handset) shows(table string, id uuid.UUID, column string, want any, held bool) {
	h.t.Helper()
	var got any
	var m clientsdk.Marks
	err := h.c.View(h.ctx, func(v *clientsdk.View) error {
		row, ok, err := v.Row(table, id)
		if err != nil {
			return err
		}
		if ok {
			got = row.Cols[column]
		}
		m, err = v.Marks(table, id)
		return err
	})
	if err != nil || got != want || m.Held != held || m.Unsent {
		h.t.Errorf("the phone shows %s.%s %v, %+v (%v); want %v, held %v", table, column, got, m, err, want, held)
	}
}

func (h *handset) heldIs(n int) {
	h.t.Helper()
	if st, err := h.c.Status(h.ctx); err != nil || st.Held != n {
		h.t.Errorf("%d changes are held, want %d (%v)", st.Held, n, err)
	}
}

// moved is a job that went to somebody else while its first installer, who had
// no network, corrected the customer's number and wrote a note.
type moved struct {
	*screen
	first, second *handset
	installer     [2]uuid.UUID
	contact, note uuid.UUID
}

const numberBefore, numberHis = "13800000000", "13900000001"

func newMoved(t *testing.T) *moved {
	t.Helper()
	d := newDesk(t)
	m := &moved{screen: d.screen(schema.Clerk), first: &handset{d, d.c}}
	m.installer = [2]uuid.UUID{d.personID, person(t, d.a, d.centre, "陈师傅", schema.Installer)}
	m.second = &handset{d, openPhone(t, t.TempDir(), d.a.URL())}
	enrol(t, d.a, m.second.c, m.installer[1])
	m.second.sync()
	rows, err := d.a.Store.StateRows(d.ctx, d.centre, "job_contact", "job", d.job)
	if err != nil || len(rows) != 1 {
		t.Fatalf("contacts %v, %v", rows, err)
	}
	m.contact = rows[0].ID
	m.edit(func(e *clientsdk.Edit) error {
		return e.Update("job_contact", m.contact, map[string]any{"phone": numberHis})
	})
	m.note = m.desk.note("楼下等了十分钟")
	m.move(1)
	m.first.sync()
	m.second.sync()
	// The work is kept, shown with its mark, and a case; nobody else sees it.
	m.first.shows("job_contact", m.contact, "phone", numberHis, true)
	m.first.shows("note", m.note, "text", "楼下等了十分钟", true)
	m.first.heldIs(2)
	m.second.shows("job_contact", m.contact, "phone", numberBefore, false)
	m.second.shows("note", m.note, "text", nil, false)
	return m
}

// move gives the job to one of the two.
func (m *moved) move(to int) {
	m.t.Helper()
	if err := m.office.Dispatch(m.ctx, m.boss, office.Dispatch{Job: m.job, Crew: []uuid.UUID{m.installer[to]}, Reason: "改派"}); err != nil {
		m.t.Fatal(err)
	}
}

// TestMovedWorkIsAccepted: the clerk takes the first installer's work in on the
// screen. Both phones hear of it, and of the decision that takes it back.
func TestMovedWorkIsAccepted(t *testing.T) {
	m := newMoved(t)
	c := m.open(report.CaseHandover, "job_contact", numberHis)
	m.decide(c, "accept", "rest", "1")
	m.first.sync()
	m.second.sync()
	m.first.heldIs(0)
	m.first.shows("job_contact", m.contact, "phone", nil, false) // the job is not his any more
	m.first.shows("note", m.note, "text", nil, false)
	m.second.shows("job_contact", m.contact, "phone", numberHis, false)
	m.second.shows("note", m.note, "text", "楼下等了十分钟", false)
	if got := m.has("job_contact", m.contact).Text("phone"); got != numberHis {
		t.Errorf("the server has %s", got)
	}
	if n := len(m.refusedNotices()); n != 0 {
		t.Errorf("%d notices of a refusal", n)
	}

	m.undo(c)
	m.second.sync()
	m.second.shows("job_contact", m.contact, "phone", numberBefore, false)
	m.second.shows("note", m.note, "text", "楼下等了十分钟", false)
	m.move(0)
	m.first.sync()
	m.second.sync()
	m.first.shows("job_contact", m.contact, "phone", numberBefore, false)
	m.first.shows("note", m.note, "text", "楼下等了十分钟", false)
	m.second.shows("job_contact", m.contact, "phone", nil, false)
	m.first.heldIs(0)
}

// TestMovedWorkIsRefused: what is refused goes from the first installer's
// screen with a notice, and nothing else with it. Taken back, it is there for
// all.
func TestMovedWorkIsRefused(t *testing.T) {
	m := newMoved(t)
	c := m.open(report.CaseHandover, "job_contact", numberHis)
	m.decide(c, "refuse", "reason", "号码是邻居的")
	m.first.sync()
	m.second.sync()
	m.first.shows("job_contact", m.contact, "phone", nil, false)
	m.second.shows("job_contact", m.contact, "phone", numberBefore, false)
	if n := len(m.refusedNotices()); n != 1 {
		t.Errorf("%d notices of the refusal", n)
	}
	m.first.shows("note", m.note, "text", "楼下等了十分钟", true)
	m.first.heldIs(1)
	m.decide(m.open(report.CaseHandover, "note", "楼下等了十分钟"), "accept")
	m.first.sync()
	m.second.sync()
	m.first.heldIs(0)
	m.second.shows("note", m.note, "text", "楼下等了十分钟", false)

	m.undo(c)
	m.second.sync()
	m.second.shows("job_contact", m.contact, "phone", numberHis, false)
	m.move(0)
	m.first.sync()
	m.first.shows("job_contact", m.contact, "phone", numberHis, false)
	m.first.heldIs(0)
}

func (m *moved) refusedNotices() (out []clientsdk.Notice) {
	m.t.Helper()
	all, err := m.first.c.Notices(m.ctx)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, n := range all {
		if n.Kind == "refused" && n.Table == "job_contact" && n.Row == m.contact {
			out = append(out, n)
		}
	}
	return out
}

// TestEditedConflictReachesThePhone: the office and the phone moved the
// appointment; the clerk writes a third time on the screen, and takes it back.
func TestEditedConflictReachesThePhone(t *testing.T) {
	d := newDesk(t)
	s, h := d.screen(schema.Clerk), &handset{d, d.c}
	const theirs, his = int64(1_795_000_000_000), int64(1_795_003_600_000)
	write(t, d.a, d.centre, ledger.Author{Person: d.boss.Person, Role: schema.Supervisor}, ledger.Edit{Table: "job", Row: d.job, Op: changelog.Update, Cols: map[string]any{"slot_from": theirs}})
	d.edit(func(e *clientsdk.Edit) error {
		return e.Update("job", d.job, map[string]any{"slot_from": his})
	})
	h.sync()
	h.shows("job", d.job, "slot_from", theirs, false)
	c := s.open(report.CaseConflict, "job")
	s.decide(c, "edit", "value", "2026-11-20T10:30", "reason", "电话商定")
	h.sync()
	third := d.has("job", d.job).Int("slot_from")
	if third == theirs || third == his || third == 0 {
		t.Fatalf("the server has %d", third)
	}
	h.shows("job", d.job, "slot_from", third, false)
	h.conflict("job", d.job, false)
	s.undo(c)
	h.sync()
	h.shows("job", d.job, "slot_from", theirs, false)
	h.conflict("job", d.job, false)
}

func (h *handset) conflict(table string, id uuid.UUID, want bool) {
	h.t.Helper()
	var m clientsdk.Marks
	if err := h.c.View(h.ctx, func(v *clientsdk.View) (err error) { m, err = v.Marks(table, id); return err }); err != nil || m.Conflict != want {
		h.t.Errorf("marks %+v, %v; want conflict %v", m, err, want)
	}
}

// TestAcceptedWorkThatFailsAgain: he left for a job that was cancelled
// meanwhile. Accepting alone does not help: the phone keeps it, held for another
// case. Once the office has opened the job again, it is taken in.
func TestAcceptedWorkThatFailsAgain(t *testing.T) {
	d := newDesk(t)
	s, h := d.screen(schema.Clerk), &handset{d, d.c}
	d.edit(func(e *clientsdk.Edit) error {
		return e.Update("job", d.job, map[string]any{"status": "departed"})
	})
	write(t, d.a, d.centre, ledger.Author{Person: d.boss.Person, Role: schema.Supervisor},
		ledger.Edit{Table: "job", Row: d.job, Op: changelog.Update, Cols: map[string]any{"status": "cancelled", "cancel_reason": "顾客取消"}})
	h.sync()
	h.shows("job", d.job, "status", "departed", true)
	first := s.open(report.CaseHeld, "job")
	s.decide(first, "accept")
	if _, err := h.c.Sync(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.shows("job", d.job, "status", "departed", true)
	h.sync()
	h.shows("job", d.job, "status", "departed", true)
	second := s.open(report.CaseHeld, "job")
	if second.ID == first.ID || d.has("job", d.job).Text("status") != "cancelled" {
		t.Fatalf("the same case again: %s; the job is %s", second.ID, d.has("job", d.job).Text("status"))
	}
	if err := d.office.Dispatch(d.ctx, d.boss, office.Dispatch{Job: d.job, Crew: []uuid.UUID{d.personID}, Reason: "顾客又要上门"}); err != nil {
		t.Fatal(err)
	}
	h.sync()
	h.shows("job", d.job, "status", "departed", true)
	s.decide(second, "accept")
	h.sync()
	h.shows("job", d.job, "status", "departed", false)
	h.heldIs(0)
	s.undo(second)
	h.sync()
	h.shows("job", d.job, "status", "dispatched", false)
	if got := d.has("job", d.job).Text("status"); got != "dispatched" {
		t.Errorf("the server has %s", got)
	}
}
