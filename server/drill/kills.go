package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// work pushes a device's log until the server or ctx ends. A refusal that is
// not the server's own trouble is an error.
func work(ctx context.Context, url string, d *device, r *rand.Rand) error {
	for ctx.Err() == nil {
		if d.acked == uint64(len(d.log)) {
			if err := d.record(1 + r.IntN(6)); err != nil {
				return err
			}
		}
		if _, err := d.push(ctx, url, d.acked+1, uint64(len(d.log))); err != nil {
			return mine(err)
		}
	}
	return nil
}

// mine tells what a client did wrong from a server that is going down.
func mine(err error) error {
	var r *refused
	if errors.As(err, &r) && r.status < 500 || errors.Is(err, errAnswer) {
		return err
	}
	return nil
}

// photograph uploads one new photo after the other.
func photograph(ctx context.Context, url string, d *device, r *rand.Rand, keep *[]*object) error {
	for ctx.Err() == nil {
		o, err := newObject(r)
		if err != nil {
			return err
		}
		*keep = append(*keep, o)
		if err := d.upload(ctx, url, o); err != nil {
			return mine(err)
		}
	}
	return nil
}

// again proves after a restart that the server has what it acknowledged: the
// same bytes once more are taken as known, and the log goes on.
func again(ctx context.Context, url string, logs []*device, t *tally) {
	for _, d := range logs {
		if len(d.log) == 0 {
			continue
		}
		acked, last := d.acked, uint64(len(d.log))
		from := max(1, int64(acked)-20)
		for range 2 {
			a, err := d.push(ctx, url, uint64(from), last)
			var r *refused
			switch {
			case errors.As(err, &r) && r.Acked != nil && *r.Acked < acked:
				t.lost += int(acked - *r.Acked)
				t.find("%d changes were acknowledged, the server has %d", acked, *r.Acked)
			case err != nil:
				t.find("the same bytes again: %v", err)
			case a.Acked != last:
				t.find("the same bytes again: acknowledged to %d of %d", a.Acked, last)
			}
		}
	}
}

// serverKills kills the real server while logs and photos arrive over HTTP.
func (b *bench) serverKills(ctx context.Context, t *tally, n int) error {
	r := b.random(t.name)
	data, err := b.copyOf(b.serverData, "kill-server")
	if err != nil {
		return err
	}
	logs := b.fresh()
	var objects []*object
	for t.kills < n && t.lost == 0 && ctx.Err() == nil {
		if t.kills%7 == 6 { // in the middle of a start
			if err := b.killStart(data, r, t); err != nil {
				return err
			}
			continue
		}
		s, err := b.serve(ctx, data)
		if err != nil {
			t.find("restart: %v", err)
			break
		}
		t.restarted(s.ready)
		again(ctx, s.url, logs, t)
		busy(ctx, s.url, logs, r, &objects, t, between(r, 5*time.Millisecond, 120*time.Millisecond), func() { s.kill() })
		t.kills++
		if t.kills%50 == 0 {
			b.verify(ctx, data, t)
		}
	}
	b.verify(ctx, data, t)
	if err := checkLedger(ctx, data, logs, t); err != nil {
		return err
	}
	checkObjects(data, objects, t)
	t.count(logs, objects)
	return ctx.Err()
}

func (b *bench) killStart(data string, r *rand.Rand, t *tally) error {
	p, err := b.startServer(data)
	if err != nil {
		return err
	}
	time.Sleep(between(r, 0, 150*time.Millisecond))
	p.kill()
	t.kills++
	return nil
}

// busy lets all devices work for a while, then strikes, and waits for them.
func busy(ctx context.Context, url string, logs []*device, r *rand.Rand, objects *[]*object, t *tally, while time.Duration, strike func()) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(logs)+1)
	var wg sync.WaitGroup
	for i, d := range logs {
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		wg.Go(func() { errs[i] = work(ctx, url, d, own) })
	}
	photographer, own := *logs[0], rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
	wg.Go(func() { errs[len(logs)] = photograph(ctx, url, &photographer, own, objects) })
	time.Sleep(while)
	strike()
	cancel()
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.find("at work: %v", err)
	}
}

// count books what the devices were told.
func (t *tally) count(logs []*device, objects []*object) {
	for _, d := range logs {
		t.acked += int(d.acked)
	}
	for _, o := range objects {
		if o.put {
			t.acked++
		}
	}
}

// verify runs the server's own verify, which must exit 0.
func (b *bench) verify(ctx context.Context, data string, t *tally) {
	if _, err := run(ctx, b.server, "verify", "-json", "-all", "-rebuild", "-data", data); err != nil {
		t.find("verify: %v", err)
	}
}

// phoneKills kills a phone that records photos and transactions.
func (b *bench) phoneKills(ctx context.Context, t *tally, n int) error {
	r := b.random(t.name)
	dir, err := b.copyOf(b.phoneData, "kill-phone")
	if err != nil {
		return err
	}
	said := &phoneSaid{}
	for t.kills < n && ctx.Err() == nil {
		started := time.Now()
		p, err := launch(false, b.self, childWord, "phone", dir)
		if err != nil {
			return err
		}
		if t.kills%7 == 6 {
			time.Sleep(between(r, 0, 60*time.Millisecond))
		} else {
			if !said.opened(ctx, p, t) {
				break
			}
			t.restarted(time.Since(started))
			time.Sleep(between(r, 2*time.Millisecond, 80*time.Millisecond))
		}
		said.hear(p.kill())
		t.kills++
		if t.kills%25 == 0 {
			said.check(ctx, dir, t)
		}
	}
	said.check(ctx, dir, t)
	t.acked = len(said.edits) + len(said.photos) + t.lost
	return ctx.Err()
}

// phoneSaid is what a phone has said to be recorded.
type phoneSaid struct{ edits, photos []string }

var openLine = regexp.MustCompile(`^open$`)

// opened waits until the child is open; what it said of its end is a finding.
func (s *phoneSaid) opened(ctx context.Context, p *process, t *tally) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := p.await(ctx, openLine); err != nil {
		p.kill()
		t.find("open: %v", err)
		return false
	}
	return true
}

func (s *phoneSaid) hear(lines []string) {
	for _, line := range lines {
		switch kind, what, _ := strings.Cut(line, " "); kind {
		case "edit":
			s.edits = append(s.edits, what)
		case "photo":
			s.photos = append(s.photos, what)
		}
	}
}

// check opens the phone's folder and looks for all that was said.
func (s *phoneSaid) check(ctx context.Context, dir string, t *tally) {
	c, err := openPhone(dir)
	if err != nil {
		t.find("the phone does not open: %v", err)
		t.lost += len(s.edits) + len(s.photos)
		return
	}
	defer c.Close()
	if err := c.Check(ctx); err != nil {
		t.find("check: %v", err)
	}
	groups, err := editsOf(ctx, c)
	if err != nil {
		t.find("read: %v", err)
	}
	s.edits = slices.DeleteFunc(s.edits, func(name string) bool {
		lost := groups[name] != rowsOfEdit
		if lost {
			t.lose("transaction %s was recorded, %d of its %d rows are there", name, groups[name], rowsOfEdit)
		}
		return lost // once is enough
	})
	for name, n := range groups {
		if n != rowsOfEdit {
			t.find("transaction %s is there by %d of %d rows", name, n, rowsOfEdit)
		}
	}
	s.photos = slices.DeleteFunc(s.photos, func(name string) bool {
		err := samePhoto(c.OpenAttachment, name)
		if err != nil {
			t.lose("photo %s: %v", name, err)
		}
		return err != nil
	})
}

func samePhoto(open func([32]byte) (io.ReadSeekCloser, error), name string) error {
	sum, err := hex.DecodeString(name)
	if err != nil || len(sum) != 32 {
		return fmt.Errorf("no hash: %q", name)
	}
	f, err := open([32]byte(sum))
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != name {
		return errors.New("other bytes than were stored")
	}
	return nil
}
