package ledger_test

import (
	"bytes"
	"runtime"
	"testing"

	"siteledger/server/ledger"
)

// TestPackerIsSmall: what the compressor of bodies keeps for the server's whole
// life is little more than a body, not the window of a file archiver.
func TestPackerIsSmall(t *testing.T) {
	w := openWorld(t)
	batch := [][]byte{bytes.Repeat([]byte("工迹"), 20_000)}
	l, err := ledger.New(w.led.Config) // whose compressor has not been used
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l.Pack(batch)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("the first body of %d KB takes %d KB", len(batch[0])>>10, took>>10)
	}
}
