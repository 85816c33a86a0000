package e2e

import (
	"log/slog"
	"testing"
	"time"

	"siteledger/server/app"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
)

// move brings the installation's records to a new PostgreSQL database, by the
// product's own way, and starts the server on it at the same address.
func (l *lost) move() {
	l.Helper()
	l.stop()
	l.cfg.Database.URL = storetest.Postgres(l.T).URL
	_, err := app.MigrateStore(l.Context(), l.cfg, slog.New(slog.DiscardHandler), time.Now, func(int) {}, func(d store.Difference) error {
		l.Errorf("moved, and differs: %s", d)
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
	l.start()
}

// unmoved wants that a phone's next round is an ordinary one: nothing is
// compared or pulled anew, and it is the phone that it was.
func (l *lost) unmoved(i, news int) {
	l.Helper()
	before, _ := l.phone[i].Identity()
	round, err := l.phone[i].Sync(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	if round.Repaired || round.Pulled > news {
		l.Errorf("phone %d notices: %+v", i, round)
	}
	if after, ok := l.phone[i].Identity(); !ok || after != before {
		l.Errorf("phone %d was %+v, is %+v", i, before, after)
	}
}

// TestMovingHouse: an installation outgrows its folder. Phones notice nothing of
// the move to PostgreSQL, also with work that they have not sent. What is backed
// up there is restored into a folder, with what was shipped since, loses nothing,
// and can move again.
func TestMovingHouse(t *testing.T) {
	l := newLost(t)
	job, contact := newJob(t, l.a, l.centre, l.person[0])
	other, _ := newJob(t, l.a, l.centre, l.person[1])
	l.sync(0)
	l.sync(1)
	l.work(0, job)
	l.work(1, other)
	l.sync(0)
	l.remark(0, job) // not sent

	l.move()
	l.unmoved(1, 0)
	l.unmoved(0, 1) // its own row, confirmed
	l.sync(0)
	l.all()
	l.work(0, job)
	l.office(contact, "after the move")
	l.sync(0)
	l.sound()

	backup := l.backup()
	l.work(1, other)
	l.office(contact, "after the backup")
	l.stop() // with all that was committed shipped
	l.cfg.Database.URL = ""
	r := l.restore(backup, app.RestoreOptions{Ledger: true})
	if r.Replayed == 0 {
		t.Error("nothing was replayed behind the backup of the database")
	}
	if got := l.note(contact); got != "after the backup" {
		t.Errorf("the office's note is %q", got)
	}
	l.all()
	l.sync(0)
	l.sync(1)
	l.sound()

	l.move()
	l.unmoved(0, 0)
	l.work(0, job)
	l.sync(1)
	l.all()
	l.sound()
}
