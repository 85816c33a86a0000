package clientsdk_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// copyDir makes a backup of a closed phone, or a clone.
func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(filepath.Join(to, "d"), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, "d", "device-key"), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(to, "d")
}

func TestKeyFileIsPrivate(t *testing.T) {
	d := newDesk(t)
	_, dir, _ := d.enrolled()
	info, err := os.Stat(filepath.Join(dir, "device-key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
}

func TestPhoneRestoredFromBackup(t *testing.T) {
	for name, work := range map[string]int{"behind the server": 0, "with new work": 2, "with much work": 9} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c, dir, job := d.enrolled()
			d.note(c, job, "一")
			d.sync(c)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			backup := copyDir(t, dir)
			c = d.phone(dir)
			d.note(c, job, "二")
			d.note(c, job, "三")
			d.sync(c)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}

			old := d.phone(backup)
			before, _ := old.Identity()
			want := []string{"一", "二", "三"}
			for range work {
				want = append(want, "新")
				d.note(old, job, "新")
			}
			d.sync(old)
			if work == 0 { // the server says more than this phone ever recorded only once it is asked
				d.note(old, job, "新")
				want = append(want, "新")
				d.sync(old)
			}
			if got := strings.Fields(d.serverNotes()); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("the server has %v, want %v", got, want)
			}
			if got := strings.Fields(d.texts(old)); len(got) != len(want) {
				t.Errorf("the app shows %v", got)
			}
			after, _ := old.Identity()
			if after.Epoch == before.Epoch || after.Device != before.Device {
				t.Errorf("identity %+v became %+v", before, after)
			}
			if st := d.status(old); st.Pending != 0 || st.ReceiptsLeft < clientsdk.ReceiptsLow {
				t.Errorf("status %+v", st)
			}
			if err := old.Check(t.Context()); err != nil {
				t.Error(err)
			}
			numbersAreNew(t, old)
		})
	}
}

// numbersAreNew: after a fork the old receipt range is void.
func numbersAreNew(t *testing.T, c *clientsdk.Client) {
	t.Helper()
	if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		no, err := e.NextReceipt()
		if no <= "SC01-000030" {
			t.Errorf("number %s is of the range that a twin may have used", no)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRerecordedChangesKeepAllButTheirNumbers(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	twin := copyDir(t, dir)
	a := d.phone(dir)
	d.note(a, job, "甲")
	d.sync(a)
	d.pass(time.Hour)
	b := d.phone(twin)
	at := d.now().UnixMilli()
	d.note(b, job, "乙")
	d.pass(time.Hour)
	d.sync(b)
	id, _ := b.Identity()
	l := d.s.logs[id.Epoch]
	if len(l.changes) != 1 {
		t.Fatalf("%d changes in the new log", len(l.changes))
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	ch, err := codec.Decode(l.changes[0])
	if err != nil || ch.Seq != 1 || ch.Txn != 1 || !ch.Last || ch.Wall != at || ch.Cols["text"] != "乙" {
		t.Errorf("re-recorded as %+v, %v", ch, err)
	}
}

func TestForkBelowTheAcknowledged(t *testing.T) {
	// The server's log differs already below what this phone holds acknowledged:
	// it has to search for the last change that both share.
	d := newDesk(t)
	c, _, job := d.enrolled()
	for _, s := range strings.Fields("一 二 三 四 五 六 七 八 九 十") {
		d.note(c, job, s)
	}
	d.sync(c)
	id, _ := c.Identity()
	d.s.set(func() {
		l := d.s.logs[id.Epoch]
		codec, err := changelog.NewCodec()
		if err != nil {
			t.Error(err)
			return
		}
		for i := 3; i < len(l.changes); i++ { // from number 4 on, other changes
			ch, err := codec.Decode(l.changes[i])
			if err != nil {
				t.Error(err)
				return
			}
			ch.Salt = [16]byte{9}
			b, err := codec.Encode(ch)
			if err != nil {
				t.Error(err)
				return
			}
			l.changes[i] = b
			l.hashes[i+1] = changelog.Next(l.hashes[i], b)
		}
		for key, r := range d.s.rows { // and their rows are not there
			if r.table == "note" && r.cols["text"] != "一" && r.cols["text"] != "二" && r.cols["text"] != "三" {
				delete(d.s.rows, key)
			}
		}
	})
	d.note(c, job, "新")
	d.sync(c)
	if got := d.serverNotes(); got != "一 二 三 四 五 六 七 八 九 十 新" {
		t.Errorf("the server has %q", got)
	}
	if got := len(d.s.logs[id.Epoch].changes); got != 10 {
		t.Errorf("the old log has %d changes", got)
	}
}

func TestServerRestoredFromBackup(t *testing.T) {
	for _, kept := range []int{0, 1, 3} {
		d := newDesk(t)
		c, _, job := d.enrolled()
		sha := d.photo(c, job, "jpeg bytes")
		for _, s := range strings.Fields("一 二") {
			d.note(c, job, s)
		}
		d.sync(c)
		before, _ := c.Identity()
		d.s.restore(map[uuid.UUID]int{before.Epoch: kept})
		d.sync(c) // nothing new was recorded: the phone notices at the pull
		if got := d.serverNotes(); got != "一 二" {
			t.Errorf("kept %d: the server has %q", kept, got)
		}
		after, _ := c.Identity()
		if after.History == before.History || after.Epoch != before.Epoch {
			t.Errorf("kept %d: identity %+v", kept, after)
		}
		if got := d.texts(c); got != "一 二" {
			t.Errorf("kept %d: the app shows %q", kept, got)
		}
		st := d.status(c)
		if st.OnlyHere != 0 || !d.s.blobs[sha].stored {
			t.Errorf("kept %d: the photo was not sent again: %+v", kept, st.Uploads)
		}
	}
}

func TestMineOnTheirs(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	contact := newID(t)
	d.s.office("job_contact", contact, job, map[string]any{"job": job[:], "name": "王女士", "phone": "1", "note": "旧"})
	d.sync(c)
	if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		return e.Update("job_contact", contact, map[string]any{"phone": "139", "name": "王女士"})
	}); err != nil {
		t.Fatal(err)
	}
	// The office changes the same row while the log cannot be sent.
	d.s.office("job_contact", contact, job, map[string]any{"phone": "138", "note": "新"})
	d.failOnce(syncproto.PathPush, answer(422, syncproto.TypeProblem, `{"code":"chain-broken"}`), nil)
	if _, err := c.Sync(t.Context()); err == nil {
		t.Fatal("no error")
	}
	show := func() (row schema.Row) {
		if err := c.View(t.Context(), func(v *clientsdk.View) (err error) { row, _, err = v.Row("job_contact", contact); return err }); err != nil {
			t.Fatal(err)
		}
		return row
	}
	if r := show(); r.Text("phone") != "139" || r.Text("note") != "新" {
		t.Errorf("base plus mine shows %v", r.Cols)
	}
	// The server keeps the office's value: once the feed has passed mine, so does
	// the phone.
	d.s.set(func() {
		d.s.hook = nil
		d.s.judge = func(ch *changelog.Change) (syncproto.OutcomeCode, syncproto.Reason) {
			if ch.Table == "job_contact" {
				if _, ok := ch.Was["phone"]; !ok || ch.Was["phone"] != "1" || ch.Cols["name"] != nil || ch.Base == 0 {
					t.Errorf("recorded %+v", ch)
				}
				ch.Cols = map[string]any{}
				return syncproto.Conflict, ""
			}
			return "", ""
		}
	})
	d.sync(c)
	if r := show(); r.Text("phone") != "138" {
		t.Errorf("after the feed passed it the app shows %v", r.Cols)
	}
	if err := c.View(t.Context(), func(v *clientsdk.View) error {
		m, err := v.Marks("job_contact", contact)
		if !m.Conflict || m.Unsent {
			t.Errorf("marks %+v", m)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestLeavingJobKeepsUnsentWork(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	item := newID(t)
	d.s.office("job_item", item, job, map[string]any{"job": job[:], "category": "door"})
	d.sync(c)
	d.note(c, job, "一")
	if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		return e.Update("job", job, map[string]any{"status": "departed"})
	}); err != nil {
		t.Fatal(err)
	}
	d.s.leave(job)
	d.failOnce(syncproto.PathPush, answer(422, syncproto.TypeProblem, `{"code":"chain-broken"}`), nil)
	if r, err := c.Sync(t.Context()); err == nil || r.Repaired {
		t.Fatalf("repaired %v, %v: what leaves is no difference", r.Repaired, err)
	}
	jobs, items := d.countRows(c, "job"), d.countRows(c, "job_item")
	if jobs != 1 || items != 0 || d.texts(c) != "一" {
		t.Errorf("%d jobs, %d items, notes %q", jobs, items, d.texts(c))
	}
	r := d.sync(c)
	if got := d.countRows(c, "job") + d.countRows(c, "note"); got != 0 || r.Repaired {
		t.Errorf("%d rows of a job that left are still there, repaired %v", got, r.Repaired)
	}
}

func (d *desk) countRows(c *clientsdk.Client, table string) int {
	d.t.Helper()
	n := 0
	if err := c.View(d.t.Context(), func(v *clientsdk.View) error {
		rows, err := v.Rows(table, clientsdk.Query{})
		n = len(rows)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return n
}

func TestPullIsVisibleWholeOrNotAtAll(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	for range 10 {
		d.s.office("note", newID(t), job, map[string]any{"job": job[:], "kind": "note", "text": "远", "at": int64(1)})
	}
	d.s.set(func() { d.s.pageRows = 3 })
	pulls := 0
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == syncproto.PathPull {
				if pulls++; pulls == 3 {
					return nil, errCut
				}
			}
			return nil, nil
		}
	})
	if _, err := c.Sync(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if got := d.texts(c); got != "" {
		t.Errorf("half a pull shows %q", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = d.phone(dir) // killed between two pages
	if r := d.sync(c); d.countRows(c, "note") != 10 || r.Pulled != 10 {
		t.Errorf("%d notes, pulled %d", d.countRows(c, "note"), r.Pulled)
	}
	if pulls != 5 {
		t.Errorf("%d pulls: the staged pages were not gone on with", pulls)
	}
}

func TestMismatchIsRepaired(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.note(c, job, "一")
	d.s.set(func() { d.s.spoil = true })
	if r := d.sync(c); !r.Repaired {
		t.Error("a wrong checksum was not noticed")
	}
	if n := d.s.count("POST " + syncproto.PathRepair); n != 1 {
		t.Errorf("%d repairs", n)
	}
	if got := d.texts(c); got != "一" {
		t.Errorf("after the repair the app shows %q", got)
	}
}

func TestNewerServerIsNoFailure(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.s.office("hologram", newID(t), job, map[string]any{"depth": int64(3)})
	d.s.office("job", job, job, map[string]any{"mood": "good", "asked_work": "新"})
	d.sync(c) // the checksums count the unknown table's row
	if n := d.s.count("POST " + syncproto.PathRepair); n != 0 {
		t.Errorf("%d repairs", n)
	}
	if err := c.View(t.Context(), func(v *clientsdk.View) error {
		row, _, err := v.Row("job", job)
		if row.Text("asked_work") != "新" {
			t.Errorf("the job shows %v", row.Cols)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOldWorkIsPrunedByTheServersClock(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.note(c, job, "一")
	d.sync(c)
	d.pass(36 * 24 * time.Hour)
	d.note(c, job, "二")
	d.sync(c)
	d.note(c, job, "三")
	d.sync(c) // the log goes on behind what was removed
	if got := d.texts(c); got != "一 二 三" || d.serverNotes() != got {
		t.Errorf("shows %q, server %q", got, d.serverNotes())
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	id, _ := c.Identity()
	d.s.restore(map[uuid.UUID]int{id.Epoch: 0}) // older than what is kept: 一 is lost, 二 and 三 are not
	d.s.office("job", job, job, map[string]any{"asked_work": "x"})
	d.sync(c)
	if got := d.serverNotes(); got != "二 三" {
		t.Errorf("the server has %q", got)
	}
}

// TestLeavingJobTakesWhatIsKeptAside: rows that this version of the app has no
// place for leave with their root.
func TestLeavingJobTakesWhatIsKeptAside(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.s.office("drone_flight", newID(t), job, map[string]any{"job": job[:], "height": int64(3)})
	if r := d.sync(c); r.Repaired {
		t.Fatal("a row of an unknown table is a difference")
	}
	d.s.leave(job)
	for range 2 {
		if r := d.sync(c); r.Repaired {
			t.Error("what left is still counted")
		}
	}
}

// TestHeldInsertOfARowThatIsThere: an insert that is held because the row exists
// shows the server's row, marked.
func TestHeldInsertOfARowThatIsThere(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	id := d.note(c, job, "mine")
	d.s.set(func() {
		d.s.judge = func(ch *changelog.Change) (syncproto.OutcomeCode, syncproto.Reason) {
			if ch.Row == id {
				return syncproto.Held, syncproto.RowExists
			}
			return "", ""
		}
	})
	d.s.office("note", id, job, map[string]any{"job": job[:], "kind": "note", "text": "theirs", "at": int64(1)})
	d.sync(c)
	if got := d.texts(c); got != "theirs" {
		t.Errorf("the phone shows %q", got)
	}
}
