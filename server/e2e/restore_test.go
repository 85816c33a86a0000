package e2e

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/blob"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// lost is a server that is lost one day, its phones, and the one that is
// restored in its place.
type lost struct {
	*testing.T
	cfg    config.Config
	a      *app.App
	stop   func()
	centre uuid.UUID
	person [2]uuid.UUID
	phone  [2]*clientsdk.Client
	photos int
	done   map[uuid.UUID]string // rows that phones recorded and the server acknowledged
}

func newLost(t *testing.T) *lost {
	l := &lost{T: t, cfg: config.Default(), done: map[uuid.UUID]string{}}
	l.cfg.Listen, l.cfg.S3.Listen, l.cfg.Data = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "first")
	l.cfg.Bootstrap.Centre = "城东客服中心"
	l.cfg.Limits.DrainWait = 0
	l.start()
	streams, err := l.a.Store.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.centre = streams[1].ID
	for i, name := range []string{"李师傅", "陈师傅"} {
		l.person[i] = person(t, l.a, l.centre, name, schema.Installer)
		l.phone[i] = openPhone(t, t.TempDir(), l.a.URL())
		enrol(t, l.a, l.phone[i], l.person[i])
		l.sync(i)
	}
	return l
}

func (l *lost) start() {
	l.Helper()
	a, err := app.New(l.Context(), l.cfg, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		l.Fatal(err)
	}
	l.a, l.cfg.Listen = a, a.Addr() // the next one takes the same address
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	l.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			l.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			l.Errorf("close: %v", err)
		}
	})
	l.Cleanup(l.stop)
}

func (l *lost) sync(i int) {
	l.Helper()
	for range 3 {
		ctx, cancel := context.WithTimeout(l.Context(), time.Minute)
		_, err := l.phone[i].Sync(ctx)
		cancel()
		if err != nil {
			l.Fatalf("phone %d: %v", i, err)
		}
	}
	st, err := l.phone[i].Status(l.Context())
	if err != nil || st.Pending != 0 || st.OnlyHere != 0 {
		l.Fatalf("phone %d after a sync: %+v, %v", i, st, err)
	}
}

// work records a visit with a photo on a phone and syncs it.
func (l *lost) work(i int, job uuid.UUID) (visit uuid.UUID) {
	l.Helper()
	ctx := l.Context()
	l.photos++
	big, err := l.phone[i].Attach(ctx, bytes.NewReader(photo(l.T, uint8(l.photos), 300)), syncproto.PurposePhoto, "image/jpeg")
	if err != nil {
		l.Fatal(err)
	}
	err = l.phone[i].Edit(ctx, func(e *clientsdk.Edit) error {
		var err error
		if visit, err = e.Insert("visit", map[string]any{"job": job[:], "person": l.person[i][:], "started_at": int64(5)}); err != nil {
			return err
		}
		id, err := e.Insert("photo", map[string]any{"job": job[:], "visit": visit[:], "role": "after", "original": big.SHA256[:], "original_size": big.Size, "original_type": "image/jpeg", "taken_at": int64(6)})
		l.done[visit], l.done[id] = "visit", "photo"
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	l.sync(i)
	return visit
}

// restore loses the server and makes another from a backup, at the same
// address.
func (l *lost) restore(backup string, opt app.RestoreOptions) app.Restored {
	l.Helper()
	l.stop()
	storage := filepath.Join(l.cfg.Data, "blobs")
	l.cfg.Data = filepath.Join(l.TempDir(), "restored")
	opt.From = backup
	if opt.Ledger {
		opt.Storage = storage
	}
	r, err := app.Restore(l.Context(), l.cfg, opt, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		l.Fatal(err)
	}
	l.start()
	if l.a.History != r.History {
		l.Fatalf("the restored server is in history %s, want %s", l.a.History, r.History)
	}
	return r
}

// sound wants every log, photo and fold of the server to hold, and everything
// that phones were told is stored to be there.
func (l *lost) sound() {
	l.Helper()
	ctx := l.Context()
	var keys []ed25519.PublicKey
	for _, k := range l.a.Keys.Public() {
		keys = append(keys, ed25519.PublicKey(k.PublicKey))
	}
	streams, err := l.a.Store.Streams(ctx)
	if err != nil {
		l.Fatal(err)
	}
	for _, s := range streams {
		if _, err := ledger.Verify(ctx, l.a.Store, s.ID, keys, func(d ledger.Damage) error { l.Error(d); return nil }); err != nil {
			l.Fatal(err)
		}
	}
	if err := l.a.Blobs.VerifyProgress(ctx, func(f blob.Fault) error { l.Errorf("photo %s: %s", f.Name(), f.Kind); return nil }, func(blob.Progress) {}); err != nil {
		l.Fatal(err)
	}
	_, err = l.a.Rebuild(ctx, func(int) {}, func(d store.Difference) error { l.Errorf("rebuild: %s", d); return nil })
	if err != nil {
		l.Fatalf("rebuild: %v", err)
	}
}

// has wants a row in the server's state.
func (l *lost) has(table string, id uuid.UUID, want bool) {
	l.Helper()
	_, ok, err := l.a.Store.StateRow(l.Context(), l.centre, table, id)
	if err != nil || ok != want {
		l.Errorf("%s %s on the server: %v, want %v (%v)", table, id, ok, want, err)
	}
}

func (l *lost) all() {
	l.Helper()
	for id, table := range l.done {
		l.has(table, id, true)
	}
}

// office changes a contact at the desk.
func (l *lost) office(contact uuid.UUID, note string) {
	l.Helper()
	write(l.T, l.a, l.centre, ledger.Author{Role: schema.Server}, ledger.Edit{Table: "job_contact", Row: contact, Op: changelog.Update, Cols: map[string]any{"note": note}})
}

func (l *lost) note(contact uuid.UUID) string {
	l.Helper()
	r, _, err := l.a.Store.StateRow(l.Context(), l.centre, "job_contact", contact)
	if err != nil {
		l.Fatal(err)
	}
	return r.Text("note")
}

func (l *lost) backup() string {
	l.Helper()
	to := filepath.Join(l.TempDir(), "backup")
	if _, err := l.a.Backup(l.Context(), to, "test", nil); err != nil {
		l.Fatal(err)
	}
	return to
}

// TestRestoredServerIsHealedByItsPhones: what phones were told is stored comes
// back from them; what only the office wrote after the backup is lost.
func TestRestoredServerIsHealedByItsPhones(t *testing.T) {
	l := newLost(t)
	job, contact := newJob(t, l.a, l.centre, l.person[0])
	shared, _ := newJob(t, l.a, l.centre, l.person[1])
	l.sync(0)
	l.sync(1)
	l.work(0, job)
	backup := l.backup()
	l.work(0, job)
	l.work(1, shared)
	l.office(contact, "after the backup")
	l.sync(0)
	l.work(1, shared)
	before := l.a.History

	r := l.restore(backup, app.RestoreOptions{})
	if r.From.History != before || r.History == before {
		t.Fatalf("histories: %s, %s, %s", r.From.History, before, r.History)
	}
	cut := r.Cuts[l.centre]
	if cut.Floor != cut.Last+1<<40 {
		t.Errorf("revs go on from %d behind %d", cut.Floor, cut.Last)
	}
	l.sync(0)
	l.sync(1)
	l.all()
	if got := l.note(contact); got != "" {
		t.Errorf("the office's note after the backup is %q", got)
	}
	l.office(contact, "after the restore")
	l.work(0, job)
	l.sync(0)
	l.sync(1)
	l.all()
	l.sound()
}

// TestRestoreWithShippedLedgerLosesNothing: with the batches that were shipped,
// the office's changes are there too.
func TestRestoreWithShippedLedgerLosesNothing(t *testing.T) {
	l := newLost(t)
	job, contact := newJob(t, l.a, l.centre, l.person[0])
	l.sync(0)
	l.work(0, job)
	backup := l.backup()
	l.work(0, job)
	l.office(contact, "after the backup")
	later, _ := newJob(t, l.a, l.centre, l.person[1])
	l.sync(1)
	l.work(1, later)

	r := l.restore(backup, app.RestoreOptions{Ledger: true})
	if r.Replayed == 0 {
		t.Fatal("nothing was replayed")
	}
	if got := l.note(contact); got != "after the backup" {
		t.Errorf("the office's note is %q", got)
	}
	l.has("job", later, true)
	l.all()
	l.sync(0)
	l.sync(1)
	l.work(1, later)
	l.all()
	l.sound()

	// Once more from the same old backup: the second history is replayed behind
	// the first.
	again := l.restore(backup, app.RestoreOptions{Ledger: true})
	if again.History == r.History || again.Cuts[l.centre].Last <= r.Cuts[l.centre].Floor {
		t.Errorf("second restore: %+v behind %+v", again.Cuts[l.centre], r.Cuts[l.centre])
	}
	l.sync(0)
	l.sync(1)
	l.all()
	l.sound()
}

// TestAPhoneThatTheRestoredServerHasForgotten: it was enrolled after the
// backup, and worked on a job that was taken in after it. With a new code it
// comes back under its own id, with its log; what hangs on the lost job is kept
// for a person to look at.
func TestAPhoneThatTheRestoredServerHasForgotten(t *testing.T) {
	l := newLost(t)
	ctx := t.Context()
	backup := l.backup()
	gone, _ := newJob(t, l.a, l.centre, l.person[0])
	fresh := openPhone(t, t.TempDir(), l.a.URL())
	enrol(t, l.a, fresh, l.person[0])
	l.phone[0] = fresh
	l.sync(0)
	before, _ := fresh.Identity()
	visit := l.work(0, gone)
	own := uuid.Nil
	if err := fresh.Edit(ctx, func(e *clientsdk.Edit) (err error) {
		own, err = e.Insert("day_summary", map[string]any{"day": "2026-11-22", "text": "修好一处"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	l.sync(0)

	l.restore(backup, app.RestoreOptions{})
	if _, err := fresh.Sync(ctx); clientsdk.CodeOf(err) != clientsdk.CodeSignIn {
		t.Fatalf("a phone that the server does not know: %v", err)
	}
	enrol(t, l.a, fresh, l.person[0])
	if after, _ := fresh.Identity(); after.Device != before.Device {
		t.Errorf("it came back as %s, it was %s", after.Device, before.Device)
	}
	l.sync(0)
	l.has("day_summary", own, true)
	l.has("visit", visit, false)
	st, err := fresh.Status(ctx)
	if err != nil || st.Held == 0 {
		t.Errorf("the visit under the lost job: %+v, %v", st, err)
	}
	l.sound()
}
