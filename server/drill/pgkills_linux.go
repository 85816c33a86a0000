package main

import (
	"context"
	"sync"
	"time"
)

// pgKills kills one of two real servers on a database, in the middle of pushes,
// again and again; the devices go on at the other.
func (b *bench) pgKills(ctx context.Context, t *tally, n int) error {
	r := b.random(t.name)
	h, err := b.newHouse(ctx, nil)
	if err != nil {
		return err
	}
	defer h.close()
	var mu sync.Mutex
	var urls []string
	var servers []*server
	for range 2 {
		s, err := h.serve(ctx)
		if err != nil {
			return err
		}
		servers, urls = append(servers, s), append(urls, s.url)
	}
	logs := b.fresh()
	c := gather(ctx, logs, r, 6, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), urls...)
	})
	defer c.stop()
	for t.kills < n && ctx.Err() == nil && len(c.errors()) == 0 {
		time.Sleep(between(r, 20*time.Millisecond, 200*time.Millisecond))
		at := t.kills % 2
		servers[at].kill()
		t.kills++
		if !c.until(ctx, 3, t) { // at the other one
			break
		}
		s, err := h.serve(ctx)
		if err != nil {
			t.find("restart: %v", err)
			break
		}
		t.restarted(s.ready)
		servers[at] = s
		mu.Lock()
		urls[at] = s.url
		mu.Unlock()
	}
	c.until(ctx, 10, t)
	c.end(t)
	again(ctx, servers[0].url, logs, t)
	again(ctx, servers[1].url, logs, t)
	t.count(logs, nil)
	t.note("longest time without an acknowledgement %d ms; %d pushes without an answer, %d told to come back", c.gap.Milliseconds(), c.broken, c.later)
	err = h.check(ctx, logs, t)
	h.verify(ctx, t)
	return err
}
