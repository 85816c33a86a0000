package outbox_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"testing"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/pack"
)

// salts reads the salts of a batch.
func salts(t *testing.T, b *outbox.Batch) (out [][16]byte) {
	t.Helper()
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range b.Changes {
		ch, err := codec.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ch.Salt)
	}
	return out
}

func size(changes [][]byte) (n int) {
	for _, b := range changes {
		n += len(b)
	}
	return n
}

func packedOf(t *testing.T, b *outbox.Batch, key ed25519.PrivateKey) []byte {
	t.Helper()
	packed, err := b.Packed(key)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestPackedBatchIsTheBatch(t *testing.T) {
	d := newLog(t)
	for range 30 {
		d.record(uuid.New(), uuid.New())
	}
	b := d.next()
	packed := packedOf(t, b, d.who.Key)
	out, err := pack.Unpack(packed, size(b.Changes), 60)
	if err != nil || len(out) != 60 {
		t.Fatalf("%d changes, %v", len(out), err)
	}
	for i := range out {
		if !bytes.Equal(out[i], b.Changes[i]) {
			t.Errorf("change %d differs", i+1)
		}
	}
	if n := len(packed) / 60; n > 32 { // the row's id, which is random here, and little else
		t.Errorf("%d bytes a change: the salts are carried", n)
	}
}

// What would not unpack to the same bytes is not sent packed.
func TestPackedBatchIsProven(t *testing.T) {
	d := newLog(t)
	d.record(uuid.New(), uuid.New())
	b := d.next()
	packed := packedOf(t, b, d.who.Key)
	if !outbox.Proven(packed, b.Changes) {
		t.Fatal("a good one is refused")
	}
	for i := range packed {
		bad := bytes.Clone(packed)
		bad[i] ^= 4
		if outbox.Proven(bad, b.Changes) {
			t.Errorf("byte %d is another, and nobody noticed", i)
		}
	}
	other := append([][]byte{}, b.Changes...)
	other[1] = append([]byte{}, other[1]...)
	other[1][len(other[1])-1]++
	if outbox.Proven(packed, other) || outbox.Proven(packed, b.Changes[:1]) {
		t.Error("other changes pass for those that were packed")
	}
}

// A batch of long texts is left to the compressor.
func TestLargeBatchesGoAsTheyAre(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &outbox.Batch{}
	for range 20 {
		b.Changes = append(b.Changes, make([]byte, 60<<10))
	}
	if packed, err := b.Packed(key); packed != nil || err != nil {
		t.Errorf("%d bytes, %v", len(packed), err)
	}
}

// Salts hide what is not shown: each is another, each log has others, and who
// has not the device's key cannot make one. They are the same in a later life
// of the phone, which stores no key of them.
func TestSaltsAreTheDevicesOwn(t *testing.T) {
	d := newLog(t)
	var many []uuid.UUID
	for range 900 {
		many = append(many, uuid.Nil)
	}
	d.record(many...)
	first := d.next()
	seen := map[[16]byte]bool{{}: true}
	for _, salt := range salts(t, first) {
		if seen[salt] {
			t.Fatal("a salt came twice")
		}
		seen[salt] = true
	}
	twin := newLog(t) // another device
	twin.record(many...)
	for _, salt := range salts(t, twin.next()) {
		if seen[salt] {
			t.Fatal("two devices have a salt in common")
		}
	}
	_, strange, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := len(packedOf(t, first, d.who.Key)), len(packedOf(t, first, strange))
	if theirs-mine < 900*15 {
		t.Errorf("with another key %d bytes instead of %d: the salts were guessed", theirs, mine)
	}
	if seed := d.who.Key.Seed(); bytes.Contains(packedOf(t, first, d.who.Key), seed[:16]) {
		t.Error("the device's key is in the batch")
	}
}

// What was recorded again after a fork keeps the salts that it had, and is
// packed with them.
func TestPackedAfterAFork(t *testing.T) {
	d := newLog(t)
	for range 3 {
		d.record(uuid.New())
	}
	b := d.next()
	before := salts(t, b)
	fork := func(b *outbox.Batch) {
		d.do(func(ctx context.Context, tx *sql.Tx) error {
			_, err := d.o.Forked(ctx, tx, d.who, outbox.Stamp{}, b, 0)
			return err
		})
	}
	fork(b)
	fork(d.next())
	d.record(uuid.New())
	again := d.next()
	if again.Epoch == b.Epoch || len(again.Changes) != 4 {
		t.Fatalf("%d changes in the new log", len(again.Changes))
	}
	after := salts(t, again)
	if after[0] != before[0] || after[2] != before[2] {
		t.Error("the salts changed with the numbers")
	}
	if len(packedOf(t, again, d.who.Key)) == 0 {
		t.Error("it is not packed")
	}
}
