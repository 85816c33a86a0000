package ledger_test

import (
	"context"
	"crypto/ed25519"
	"testing"

	"siteledger/server/ledger"
)

// TestVerifyMissesNoPlace: a whole log that was taken out of the ledger together
// with what the store says of it leaves a gap in the order of the stream.
func TestVerifyMissesNoPlace(t *testing.T) {
	w := openWorld(t)
	a, b := w.phone("李师傅"), w.phone("陈师傅")
	job, _ := w.job(a.dev.Person)
	for _, p := range []*phone{b, a} {
		p.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "一", "at": int64(1)}))
		p.push()
	}
	verify := func() (n int) {
		_, err := ledger.Verify(context.Background(), w.st, w.centre, []ed25519.PublicKey{w.key.priv.Public().(ed25519.PublicKey)}, func(ledger.Damage) error { n++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := verify(); n != 0 {
		t.Fatalf("%d faults in a good ledger", n)
	}
	for _, table := range []string{"ledger", "log"} {
		w.spoil("DELETE FROM "+table+" WHERE device = $1", b.dev.ID[:])
	}
	if verify() == 0 {
		t.Error("a log that was taken away is not missed")
	}
}
