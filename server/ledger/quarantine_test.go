package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// TestQuarantineFull: a phone's share of the quarantine is full. What comes
// then is refused as before, is not called set aside, and is told to people;
// what was kept before is still called kept.
func TestQuarantineFull(t *testing.T) {
	c := openCell(t, "known, at acked n")
	w, p, dev := c.world, c.phone, c.dev
	dev.Revoked = true
	offer := func() *fault.Error {
		t.Helper()
		_, err := w.led.Push(context.Background(), dev, p.request(1, uint64(len(p.log))))
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != syncproto.DeviceRevoked {
			t.Fatalf("got %v", err)
		}
		return f
	}
	if f := offer(); !strings.Contains(f.Message, "set aside") || errors.Is(f, ledger.ErrNotKept) {
		t.Errorf("with room: %v", f)
	}
	w.spoil("INSERT INTO quarantine (centre, device, epoch, first, code, received_at, digest, body) VALUES ($1, $2, $1, 1, 'log-forked', 1, $2, $3)", w.centre[:], dev.ID[:], make([]byte, 64<<20-100))
	if f := offer(); !strings.Contains(f.Message, "set aside") {
		t.Errorf("the same bytes again, which are kept: %v", f)
	}
	p.record(c.note("z"))
	for n := 1; n <= 2; n++ {
		if f := offer(); strings.Contains(f.Message, "set aside") || !errors.Is(f, ledger.ErrNotKept) || f.Hint == "" {
			t.Errorf("without room: %v", f)
		}
		list, err := w.st.NotKept(context.Background(), w.centre)
		if err != nil || len(list) != 1 || list[0].Device != dev.ID || list[0].Offers != int64(n) || list[0].Largest == 0 || list[0].Code != string(syncproto.DeviceRevoked) {
			t.Errorf("people see %+v, %v", list, err)
		}
	}
	if n := w.count("SELECT count(*) FROM quarantine WHERE device = $1", dev.ID[:]); n != 2 {
		t.Errorf("%d batches are kept", n)
	}
	v, err := w.st.Vitals(context.Background(), w.now)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range v.Queues {
		if q.Kind == "batches_not_kept" && q.Length == 2 && q.Oldest > 0 {
			return
		}
	}
	t.Errorf("the metric says %+v", v.Queues)
}
