package clientsdk_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

func TestRecordOfflineThenSync(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	id := d.note(c, job, "一")
	if got := d.texts(c); got != "一" {
		t.Fatalf("the app shows %q right after recording", got)
	}
	if st := d.status(c); st.Pending != 1 || !st.Enrolled {
		t.Fatalf("status: %+v", st)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = d.phone(dir) // an app that was killed
	if got := d.texts(c); got != "一" {
		t.Fatalf("after a restart the app shows %q", got)
	}
	d.sync(c)
	if got := d.serverNotes(); got != "一" {
		t.Errorf("the server has %q", got)
	}
	st := d.status(c)
	if st.Pending != 0 || st.LastSuccess.IsZero() || st.Problem.Code != "" {
		t.Errorf("after the sync: %+v", st)
	}
	if err := c.View(t.Context(), func(v *clientsdk.View) error {
		m, err := v.Marks("note", id)
		if m != (clientsdk.Marks{}) {
			t.Errorf("marks after confirmation: %+v", m)
		}
		row, _, err2 := v.Row("note", id)
		if row.Rev == 0 {
			t.Error("the row has no rev after the feed showed it")
		}
		if err == nil {
			err = err2
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEnrolmentLostAnswer(t *testing.T) {
	d := newDesk(t)
	c := d.phone(t.TempDir())
	d.s.set(func() { d.s.codes["X"] = true })
	d.loseOnce(syncproto.PathEnrol)
	wantCode(t, c.Enrol(t.Context(), "X"), clientsdk.CodeOffline)
	if _, ok := c.Identity(); ok {
		t.Fatal("enrolled without an answer")
	}
	if err := c.Enrol(t.Context(), " X\n"); err != nil {
		t.Fatal(err)
	}
	if n := len(d.s.devices); n != 1 {
		t.Errorf("%d devices, want the same one again", n)
	}
	wantCode(t, d.phone(t.TempDir()).Enrol(t.Context(), "wrong"), clientsdk.CodeCodeInvalid)
}

func TestLostPushAnswerHasNoEffect(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.note(c, job, "一")
	d.loseOnce(syncproto.PathPush)
	_, err := c.Sync(t.Context())
	wantCode(t, err, clientsdk.CodeOffline)
	d.note(c, job, "二")
	d.sync(c)
	if got := d.serverNotes(); got != "一 二" {
		t.Errorf("the server has %q", got)
	}
}

func TestBatchTooLargeIsHalved(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	for range 40 {
		d.note(c, job, "x")
	}
	d.s.set(func() { d.s.maxBatch = 3 })
	if r := d.sync(c); r.Pushed != 40 {
		t.Errorf("pushed %d", r.Pushed)
	}
	if st := d.status(c); st.Pending != 0 {
		t.Errorf("pending %d", st.Pending)
	}
}

func TestOneTransactionThatIsTooLargeKeepsNothingElseBack(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		for range 5 {
			if _, err := e.Insert("note", map[string]any{"job": job, "kind": "note", "text": "x", "at": d.now()}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	d.s.set(func() { d.s.maxBatch = 3 })
	d.s.office("job", job, job, map[string]any{"asked_work": "新"})
	_, err := c.Sync(t.Context())
	wantCode(t, err, clientsdk.CodeRefused)
	if err := c.View(t.Context(), func(v *clientsdk.View) error {
		row, _, err := v.Row("job", job)
		if row.Text("asked_work") != "新" {
			t.Error("the feed was kept back by the log")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTokenExpiredIsRenewedOnce(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.note(c, job, "一")
	d.s.set(func() { clear(d.s.access) })
	d.sync(c)
	if got := d.serverNotes(); got != "一" {
		t.Errorf("the server has %q", got)
	}
	// The answer to the renewal gets lost: the old refresh token still works.
	d.s.set(func() { clear(d.s.access) })
	d.loseOnce(syncproto.PathToken)
	_, err := c.Sync(t.Context())
	wantCode(t, err, clientsdk.CodeOffline)
	d.sync(c)
}

func TestEndedSessionWaitsForAPerson(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	before, _ := c.Identity()
	d.note(c, job, "一")
	d.s.set(func() { clear(d.s.access); clear(d.s.refresh) })
	_, err := c.Sync(t.Context())
	wantCode(t, err, clientsdk.CodeSignIn)
	if st := d.status(c); st.Problem.Code != clientsdk.CodeSignIn || st.Pending != 1 || st.NextTry.IsZero() {
		t.Errorf("status: %+v", st)
	}
	d.note(c, job, "二") // the log goes on
	d.enrol(c)          // the same phone comes back, with its log
	after, _ := c.Identity()
	if after != before {
		t.Errorf("identity %+v became %+v", before, after)
	}
	d.sync(c)
	if got := d.serverNotes(); got != "一 二" {
		t.Errorf("the server has %q", got)
	}
}

func TestRevokedDeviceKeepsItsWork(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.note(c, job, "一")
	d.failOnce(syncproto.PathPush, answer(403, syncproto.TypeProblem, `{"code":"device-revoked","status":403}`), nil)
	_, err := c.Sync(t.Context())
	wantCode(t, err, clientsdk.CodeRevoked)
	if st := d.status(c); st.Problem.Code != clientsdk.CodeRevoked || st.Pending != 1 {
		t.Errorf("status: %+v", st)
	}
}

func TestBusyServerIsGivenTheTimeItAsksFor(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.note(c, job, "一")
	d.failOnce("", answer(503, syncproto.TypeProblem, `{"code":"busy","status":503}`, "Retry-After", "1200"), nil)
	_, err := c.Sync(t.Context())
	wantCode(t, err, clientsdk.CodeBusy)
	if st := d.status(c); st.NextTry.Sub(d.now()) != 20*time.Minute {
		t.Errorf("next try in %s", st.NextTry.Sub(d.now()))
	}
	c.Nudge()
	if st := d.status(c); st.NextTry.Sub(d.now()) != 20*time.Minute {
		t.Errorf("after a nudge: next try in %s", st.NextTry.Sub(d.now()))
	}
}

func TestCaptivePortalIsNoSuccess(t *testing.T) {
	for _, res := range []func() *http.Response{
		page,
		func() *http.Response { return answer(302, "text/html", "", "Location", "http://portal.test/") },
		func() *http.Response { return answer(200, syncproto.TypeCBOR, "\xa1") },
		func() *http.Response { return answer(511, "text/html", "sign in") },
		func() *http.Response { return answer(403, "text/html", "blocked") },
	} {
		d := newDesk(t)
		c, _, job := d.enrolled()
		d.note(c, job, "一")
		d.s.set(func() { d.s.hook = func(*http.Request) (*http.Response, error) { return res(), nil } })
		if _, err := c.Sync(t.Context()); clientsdk.CodeOf(err) != clientsdk.CodeNotOurServer && clientsdk.CodeOf(err) != clientsdk.CodeBusy {
			t.Errorf("%d: got %v", res().StatusCode, err)
		}
		if st := d.status(c); st.Pending != 1 || st.Problem.Code == "" {
			t.Errorf("status: %+v", st)
		}
		d.s.set(func() { d.s.hook = nil })
		d.sync(c)
		if got := d.serverNotes(); got != "一" {
			t.Errorf("the server has %q", got)
		}
	}
}

func TestForgedPushReceiptIsNotTakenOver(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.note(c, job, "一")
	d.s.set(func() {
		d.s.after = func(r *http.Request) error { return nil }
		key := d.s.key
		d.s.key = append([]byte{}, key...)
		d.s.key[0] ^= 1 // signs with another key under the same id
	})
	if _, err := c.Sync(t.Context()); err == nil {
		t.Fatal("a forged receipt was taken")
	}
	if st := d.status(c); st.Pending != 1 {
		t.Errorf("pending %d", st.Pending)
	}
}

func TestServerKeyChangesAreLearnt(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.s.set(func() { d.s.kid = "k2" })
	d.note(c, job, "一")
	d.sync(c)
	if n := d.s.count("POST " + syncproto.PathToken); n != 1 {
		t.Errorf("%d tokens asked for, want one for the new key", n)
	}
}

func TestHeldChangeStaysUntilDecided(t *testing.T) {
	for _, verdict := range []string{"accept", "refuse"} {
		d := newDesk(t)
		c, _, job := d.enrolled()
		var held *changelog.Change
		d.s.set(func() {
			d.s.judge = func(ch *changelog.Change) (syncproto.OutcomeCode, syncproto.Reason) {
				if ch.Cols["text"] == "坏" {
					held = ch
					return syncproto.Held, syncproto.Rule
				}
				return "", ""
			}
		})
		id := d.note(c, job, "坏")
		d.note(c, job, "好")
		d.sync(c)
		if got := d.texts(c); got != "坏 好" {
			t.Fatalf("the app shows %q", got)
		}
		marks := func() (m clientsdk.Marks) {
			if err := c.View(t.Context(), func(v *clientsdk.View) (err error) { m, err = v.Marks("note", id); return err }); err != nil {
				t.Fatal(err)
			}
			return m
		}
		if m := marks(); !m.Held || m.Unsent {
			t.Errorf("marks %+v", m)
		}
		identity, _ := c.Identity()
		if verdict == "accept" {
			d.s.set(func() { d.s.apply(held) })
		}
		order := d.s.order(syncproto.KindDecided, map[string]any{"epoch": identity.Epoch.String(), "seq": held.Seq, "verdict": verdict})
		d.sync(c)
		want := map[string]string{"accept": "坏 好", "refuse": "好"}[verdict]
		if got := d.texts(c); got != want {
			t.Errorf("%s: the app shows %q", verdict, got)
		}
		if m := marks(); m.Held {
			t.Errorf("%s: still held", verdict)
		}
		if d.s.acked[order] != "done" {
			t.Errorf("%s: instruction answered %q", verdict, d.s.acked[order])
		}
		notices, err := c.Notices(t.Context())
		if err != nil || (verdict == "refuse") != (len(notices) == 1) {
			t.Errorf("%s: notices %v %v", verdict, notices, err)
		}
	}
}

func TestDeniedChangeLeavesTheScreenWithANotice(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.s.set(func() {
		d.s.judge = func(ch *changelog.Change) (syncproto.OutcomeCode, syncproto.Reason) {
			if ch.Table == "note" {
				return syncproto.Denied, syncproto.NotActor
			}
			return "", ""
		}
	})
	d.note(c, job, "一")
	if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		return e.Update("job", job, map[string]any{"status": "departed"})
	}); err != nil {
		t.Fatal(err)
	}
	d.sync(c)
	if got := d.texts(c); got != "" {
		t.Errorf("the app shows %q", got)
	}
	n, err := c.Notices(t.Context())
	if err != nil || len(n) != 1 || n[0].Kind != "denied" || n[0].Reason != "not-actor" {
		t.Errorf("notices %+v %v", n, err)
	}
	if err := c.Seen(t.Context(), n[0].ID); err != nil {
		t.Fatal(err)
	}
}

func TestInstructionsAreAnsweredOnce(t *testing.T) {
	d := newDesk(t)
	c, _, _ := d.enrolled()
	message := d.s.order(syncproto.KindMessage, map[string]any{"text": "请今天交回旧件"})
	strange := d.s.order("dance", map[string]any{})
	d.sync(c)
	d.sync(c)
	if d.s.acked[message] != "received" || d.s.acked[strange] != "unknown" {
		t.Errorf("answers %v", d.s.acked)
	}
	list, err := c.Instructions(t.Context())
	if err != nil || len(list) != 2 {
		t.Errorf("instructions %v %v", list, err)
	}
	n := 0
	for _, r := range d.s.rows {
		if r.table == "instruction_ack" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d acknowledgements for 2 instructions", n)
	}
}

func TestWipeWaitsForTheUnsent(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.s.order(syncproto.KindWipe, map[string]any{})
	d.note(c, job, "一")
	d.failOnce(syncproto.PathPush, nil, errCut)
	if _, err := c.Sync(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if _, ok := c.Identity(); !ok {
		t.Fatal("wiped with unsent work")
	}
	d.sync(c)
	if got := d.serverNotes(); got != "一" {
		t.Errorf("the server has %q", got)
	}
	if _, ok := c.Identity(); ok {
		t.Error("not wiped")
	}
	if got := d.texts(c); got != "" {
		t.Errorf("after the wipe the phone shows %q", got)
	}
}

func TestReceiptNumbers(t *testing.T) {
	d := newDesk(t)
	c, _, _ := d.enrolled()
	seen := map[string]bool{}
	take := func() error {
		return c.Edit(t.Context(), func(e *clientsdk.Edit) error {
			no, err := e.NextReceipt()
			if seen[no] {
				t.Errorf("number %s given twice", no)
			}
			seen[no] = true
			return err
		})
	}
	for range 12 {
		if err := take(); err != nil {
			t.Fatal(err)
		}
	}
	if !seen["SC01-000001"] || d.status(c).ReceiptsLeft != 18 {
		t.Errorf("left %d, seen %v", d.status(c).ReceiptsLeft, seen)
	}
	d.sync(c) // fewer than 20 are left: more are leased
	if left := d.status(c).ReceiptsLeft; left != 48 {
		t.Errorf("left %d after a lease", left)
	}
	for range 48 {
		if err := take(); err != nil {
			t.Fatal(err)
		}
	}
	err := take()
	wantCode(t, err, clientsdk.CodeNoReceipt)
}

func TestSignOut(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.note(c, job, "一")
	wantCode(t, c.SignOut(t.Context(), ""), clientsdk.CodeUnsent)
	wantCode(t, c.SignOut(t.Context(), "1234"), clientsdk.CodeUnsent)
	id, _ := c.Identity()
	other := d.s.jws(syncproto.Permit{Device: uuid.New(), Allow: syncproto.PermitSignOut})
	wantCode(t, c.SignOut(t.Context(), other), clientsdk.CodeUnsent)
	unsent, err := c.Unsent(t.Context())
	if err != nil || len(unsent) != 1 || unsent[0].Table != "note" || unsent[0].Op != "insert" {
		t.Fatalf("unsent %+v %v", unsent, err)
	}
	if err := c.SignOut(t.Context(), d.s.jws(syncproto.Permit{Device: id.Device, Allow: syncproto.PermitSignOut})); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Identity(); ok {
		t.Error("still enrolled")
	}
	d.enrol(c)
	if after, _ := c.Identity(); after.Device == id.Device {
		t.Error("the next person has the same device")
	}
}

func TestClosedClient(t *testing.T) {
	d := newDesk(t)
	c, _, _ := d.enrolled()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.View(t.Context(), func(*clientsdk.View) error { return nil }), clientsdk.CodeClosed)
	wantCode(t, c.Edit(t.Context(), func(*clientsdk.Edit) error { return nil }), clientsdk.CodeClosed)
	_, err := c.Sync(t.Context())
	wantCode(t, err, clientsdk.CodeClosed)
	_, err = c.Attach(t.Context(), strings.NewReader("x"), syncproto.PurposePhoto, "image/jpeg")
	wantCode(t, err, clientsdk.CodeClosed)
}
