package ledger_test

import (
	"context"
	"crypto/ed25519"
	"testing"

	"siteledger/server/ledger"
)

// TestVerifyMissesNoTail: the newest log that was taken out of the ledger together
// with what the store says of it: the stream's own place says that there was more.
func TestVerifyMissesNoTail(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	p.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-21"}))
	p.push()
	for _, table := range []string{"ledger", "log"} {
		w.spoil("DELETE FROM "+table+" WHERE device = $1", p.dev.ID[:])
	}
	found := 0
	_, err := ledger.Verify(context.Background(), w.st, w.centre, []ed25519.PublicKey{w.key.priv.Public().(ed25519.PublicKey)}, func(ledger.Damage) error { found++; return nil })
	if err != nil || found == 0 {
		t.Errorf("%d faults, %v", found, err)
	}
}
