package ledger_test

import "testing"

// BenchmarkPush measures batches of 100 notes, durable at the answer.
func BenchmarkPush(b *testing.B) {
	w := openWorld(b)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	const size = 100
	for range b.N {
		for range size {
			p.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "量了尺寸:台面 2400×600,左侧墙不直,最多差 12 毫米。顾客要求周末再来。", "at": int64(1), "author": p.dev.Person[:]}))
		}
	}
	b.ResetTimer()
	for i := range b.N {
		from := uint64(i*size + 1)
		if _, err := w.led.Push(b.Context(), p.dev, p.request(from, from+size-1)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "changes/s")
}
