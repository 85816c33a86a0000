package api

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// budget bounds the memory of request bodies, all callers together.
//
// Bodies that are still coming in share one half; one that arrives slowly
// holds what it has sent so far and no more, and nobody waits for it: where
// that half is used up, a caller is told to come back. Bodies that are
// complete and being decoded share the other half; they do not wait for the
// network, so waiting for them is safe.
type budget struct {
	arriving *quota
	open     *quota // of callers without a token, so that they take nothing from phones
	decoding *semaphore.Weighted
	decode   int64
	wait     time.Duration
}

// openBytes is what callers without a token may hold, all together; those of
// one address a quarter of it. Their bodies are a few hundred bytes.
const openBytes = 16 << 20

func newBudget(total, largest int64, wait time.Duration) *budget {
	half := max(total/2, largest)
	return &budget{
		arriving: &quota{most: half, each: max(half/8, largest+2<<20), held: map[string]int64{}},
		open:     &quota{most: openBytes, each: openBytes / 4, held: map[string]int64{}},
		decoding: semaphore.NewWeighted(half), decode: half, wait: wait,
	}
}

// decodes waits for n bytes of the decoding half and answers how to give them
// back.
func (b *budget) decodes(ctx context.Context, n int64) (free func(), err error) {
	n = min(max(n, 1), b.decode)
	bounded, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	if err := b.decoding.Acquire(bounded, n); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, busyBodies()
	}
	var once sync.Once
	return func() { once.Do(func() { b.decoding.Release(n) }) }, nil
}

func busyBodies() error {
	return fault.New(syncproto.Busy, "服务器正忙,请稍后再传 · The server holds as many bodies as it can; send it again later")
}

// quota is an amount of bytes that many callers share, each up to a part.
type quota struct {
	most, each int64

	mu   sync.Mutex
	used int64
	held map[string]int64
}

// smallBody is what any body may hold of the last quarter of a quota: large
// ones that come in slowly do not keep small ones out.
const smallBody = 64 << 10

// take answers whether key may hold n bytes more for a body that then holds
// total; it never waits.
func (q *quota) take(key string, n, total int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	most := q.most
	if total > smallBody {
		most -= most / 4
	}
	if q.used+n > most || q.held[key]+n > q.each {
		return false
	}
	q.used += n
	q.held[key] += n
	return true
}

func (q *quota) give(key string, n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.used -= n
	if q.held[key] -= n; q.held[key] <= 0 {
		delete(q.held, key)
	}
}

func (q *quota) bytes() float64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return float64(q.used)
}
