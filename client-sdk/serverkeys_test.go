package clientsdk_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"
)

// TestKnownKeyIsNotReplaced: a token that names a known key id with another key
// does not make receipts of that key good: nothing is taken over on their word.
func TestKnownKeyIsNotReplaced(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	d.s.set(func() { d.s.key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32)) })
	d.pass(time.Hour) // the access token is renewed, and the keys come with it
	d.note(c, job, "一")
	if _, err := c.Sync(t.Context()); err == nil {
		t.Error("a receipt of a key that took another's id is believed")
	}
	if st := d.status(c); st.Pending != 1 {
		t.Errorf("%d changes count as unsent, want 1", st.Pending)
	}
}
