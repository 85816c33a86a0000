package ledger_test

import (
	"context"
	"crypto/ed25519"
	"testing"

	"siteledger/server/ledger"
)

// TestVerifyReadsTheDigests: the digests that are stored beside a batch are a part
// of it; one that was altered is found.
func TestVerifyReadsTheDigests(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	p.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "一", "at": int64(1)}))
	p.push()
	w.spoil("UPDATE ledger SET digests = $1 WHERE device = $2", []byte("nonsense"), p.dev.ID[:])
	found := 0
	_, err := ledger.Verify(context.Background(), w.st, w.centre, []ed25519.PublicKey{w.key.priv.Public().(ed25519.PublicKey)}, func(ledger.Damage) error { found++; return nil })
	if err != nil || found == 0 && len(w.rebuilt()) == 0 {
		t.Errorf("neither verify nor a rebuild finds it: %d, %v", found, err)
	}
}
