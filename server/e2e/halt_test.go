package e2e

import (
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// spoilPage writes nonsense over the head and the middle of a table's first
// page in a database that nobody has open, and gives what puts it right again.
func spoilPage(t *testing.T, path, table string) (mend func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	var root, size int64
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = $1", table).Scan(&root); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow("PRAGMA page_size").Scan(&size); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := (root - 1) * size
	was := make([]byte, size)
	if _, err := f.ReadAt(was, at); err != nil {
		t.Fatal(err)
	}
	page := append([]byte(nil), was...)
	for _, i := range []int64{0, 1, 2, 3, 4, 5, size / 2, size/2 + 1} {
		page[i] ^= 0xa5
	}
	if _, err := f.WriteAt(page, at); err != nil {
		t.Fatal(err)
	}
	return func() {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(was, at); err != nil {
			t.Fatal(err)
		}
	}
}

// ready is what the server says of itself.
func (l *lost) ready() (int, map[string]string) {
	l.Helper()
	res, err := http.Get(l.a.URL() + "/readyz")
	if err != nil {
		l.Fatal(err)
	}
	defer res.Body.Close()
	var h struct{ Checks map[string]string }
	if err := json.NewDecoder(res.Body).Decode(&h); err != nil {
		l.Fatal(err)
	}
	return res.StatusCode, h.Checks
}

// acked is how much the server has of the phones' logs.
func (l *lost) acked() (n int) {
	l.Helper()
	err := l.a.Store.View(l.Context(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT sum(acked) FROM log WHERE person IN ($1, $2)", l.person[0][:], l.person[1][:]).Scan(&n)
	})
	if err != nil {
		l.Fatal(err)
	}
	return n
}

// remark records a note on a phone.
func (l *lost) remark(i int, job uuid.UUID) {
	l.Helper()
	err := l.phone[i].Edit(l.Context(), func(e *clientsdk.Edit) error {
		id, err := e.Insert("note", map[string]any{"job": job[:], "kind": "note", "text": "一", "at": int64(7)})
		l.done[id] = "note"
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
}

// TestDamagedDatabaseHalts: a page of the server's database is not what it was.
// Who meets it is told to come again, nothing more is acknowledged, not even
// what would not touch the page, and the server says so; once the file is put
// right all goes on, and nothing was lost (I13).
func TestDamagedDatabaseHalts(t *testing.T) {
	l := newLost(t)
	job, _ := newJob(t, l.a, l.centre, l.person[0])
	other, _ := newJob(t, l.a, l.centre, l.person[1])
	l.sync(0)
	l.sync(1)
	l.remark(0, job)
	l.sync(0)
	file := filepath.Join(l.cfg.Data, app.DatabaseName)
	for _, table := range []string{"feed", "state_note", "state_device"} {
		l.stop()
		mend := spoilPage(t, file, table)
		l.start()
		before := l.acked()

		l.remark(0, job)
		if _, err := l.phone[0].Sync(t.Context()); clientsdk.CodeOf(err) != clientsdk.CodeBusy {
			t.Errorf("%s: the phone that met it was told %v", table, err)
		}
		if status, checks := l.ready(); status != http.StatusServiceUnavailable || checks["database"] != "failing" || checks["storage"] != "ok" {
			t.Errorf("%s: /readyz says %d %v", table, status, checks)
		}
		l.visit(1, other)
		if _, err := l.phone[1].Sync(t.Context()); clientsdk.CodeOf(err) != clientsdk.CodeBusy {
			t.Errorf("%s: the other phone was told %v", table, err)
		}
		if st, err := l.phone[1].Status(t.Context()); err != nil || st.Pending != 1 {
			t.Errorf("%s: the other phone thinks that %d changes wait: %v", table, st.Pending, err)
		}
		_, err := l.a.Ledger.Write(t.Context(), l.centre, ledger.Author{Role: schema.Server}, []ledger.Edit{{Table: "community", Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert, Cols: map[string]any{"name": "翠湖"}}})
		if fault.CodeOf(err) != syncproto.Busy {
			t.Errorf("%s: the office writes on: %v", table, err)
		}
		if got := l.acked(); got != before {
			t.Errorf("%s: %d changes were acknowledged before, %d now", table, before, got)
		}

		l.stop()
		mend()
		l.start()
		l.sync(0)
		l.sync(1)
		l.all()
		if status, checks := l.ready(); status != http.StatusOK {
			t.Errorf("%s: /readyz says %d %v of the file that was put right", table, status, checks)
		}
	}
	l.stop()
	spoilPage(t, file, "ledger")
	if a, err := app.New(t.Context(), l.cfg, slog.New(slog.DiscardHandler), "test"); err == nil {
		t.Error("a server starts on a damaged ledger", a.Close())
	}
}

// visit records a visit on a phone.
func (l *lost) visit(i int, job uuid.UUID) {
	l.Helper()
	err := l.phone[i].Edit(l.Context(), func(e *clientsdk.Edit) error {
		id, err := e.Insert("visit", map[string]any{"job": job[:], "person": l.person[i][:], "started_at": int64(5)})
		l.done[id] = "visit"
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
}
