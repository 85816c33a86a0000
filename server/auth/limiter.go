package auth

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"siteledger/server/fault"
)

// A limiter bounds tries per key: a burst, then one per interval. It forgets a
// key once its burst is whole again, and holds a bounded number of keys.
type limiter struct {
	now   func() time.Time
	burst int
	every time.Duration

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

// limiterKeys bounds the memory of one limiter to a few megabytes.
const limiterKeys = 20000

func newLimiter(now func() time.Time, burst int, every time.Duration) *limiter {
	return &limiter{now: now, burst: burst, every: every, keys: map[string]*rate.Limiter{}}
}

// try takes one try of the key, or refuses with TooMany.
func (l *limiter) try(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.get(key).AllowN(l.now(), 1) {
		return nil
	}
	return l.refusal()
}

// open says whether the key has a try left, without taking it.
func (l *limiter) open(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k, ok := l.keys[key]; !ok || k.TokensAt(l.now()) >= 1 {
		return nil
	}
	return l.refusal()
}

// forgive gives a key its whole burst back.
func (l *limiter) forgive(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, key)
}

func (l *limiter) refusal() error {
	return fault.New(fault.TooMany, "尝试次数过多,请稍后再试 · Too many tries").
		WithHint(fmt.Sprintf("请等待 %d 秒 · Wait %d seconds", int(l.every.Seconds()), int(l.every.Seconds())))
}

func (l *limiter) get(key string) *rate.Limiter {
	if k, ok := l.keys[key]; ok {
		return k
	}
	if len(l.keys) >= limiterKeys {
		l.sweep()
	}
	k := rate.NewLimiter(rate.Every(l.every), l.burst)
	l.keys[key] = k
	return k
}

// sweep drops the keys that are whole again; where all are in use it drops
// some of them, because refusing everybody would be worse.
func (l *limiter) sweep() {
	now := l.now()
	for key, k := range l.keys {
		if k.TokensAt(now) >= float64(l.burst) {
			delete(l.keys, key)
		}
	}
	for key := range l.keys {
		if len(l.keys) < limiterKeys/2 {
			return
		}
		delete(l.keys, key)
	}
}
