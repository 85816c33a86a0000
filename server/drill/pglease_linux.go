package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"siteledger/server/archive"
	"siteledger/server/ledger"
)

// shipments is what the bucket sees of the ledger's shipping: who put how many
// objects, by the address that he came to.
type shipments struct {
	next http.Handler
	mu   sync.Mutex
	put  map[string]int
}

func (s *shipments) front(next http.Handler) http.Handler {
	s.next = next
	return s
}

// ServeHTTP implements [http.Handler].
func (s *shipments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	said := &status{ResponseWriter: w, code: http.StatusOK}
	s.next.ServeHTTP(said, r)
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if ok && r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/ledger/") && said.code/100 == 2 {
		s.mu.Lock()
		s.put[addr.String()]++
		s.mu.Unlock()
	}
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements [http.ResponseWriter].
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *shipments) count(door string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put[door]
}

// by gives who has put objects beyond what was counted before.
func (s *shipments) by(before map[string]int) (doors []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for door, n := range s.put {
		if n > before[door] {
			doors = append(doors, door)
		}
	}
	return doors
}

func (s *shipments) all() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for door, n := range s.put {
		out[door] = n
	}
	return out
}

// takeOverWithin is how long the ledger may go without a copy when the server
// that ships it dies: the lease, a turn of asking, gathering, and the machine.
const takeOverWithin = 15 * time.Second

// pgLeases kills, and then (from the second time on) stops, the one of three
// servers that ships the ledger: another one goes on, nothing is skipped, and
// who was stopped ships no more.
func (b *bench) pgLeases(ctx context.Context, t *tally, times int) error {
	r := b.random(t.name)
	ships := &shipments{put: map[string]int{}}
	h, err := b.newHouse(ctx, ships.front)
	if err != nil {
		return err
	}
	defer h.close()
	o, err := h.open(ctx)
	if err != nil {
		return err
	}
	defer o.Close()
	from, err := o.Ends(ctx)
	if err != nil {
		return err
	}
	var urls []string
	at := map[string]*server{} // by door
	for range 3 {
		door, err := h.anotherDoor()
		if err != nil {
			return err
		}
		s, err := h.serve(ctx, "SITELEDGER_S3_ENDPOINT=http://"+door)
		if err != nil {
			return err
		}
		at[door], urls = s, append(urls, s.url)
	}
	logs := b.fresh()
	c := gather(ctx, logs, r, 6, func() []string { return urls })
	defer c.stop()
	holder, ok := ships.awaitOne(ctx, map[string]int{}, t)
	for turn := 0; ok && turn < times; turn++ {
		holder, ok = h.takeTurn(ctx, ships, at, holder, turn%2 == 1, t)
	}
	c.until(ctx, 10, t)
	c.end(t)
	t.count(logs, nil)
	if n, err := look[int](ctx, h.pg, "SELECT count(*) FROM lease WHERE name = 'upkeep'"); err != nil || n != 1 {
		t.find("%d servers do the upkeep, %v", n, err)
	}
	if err := h.shippedAll(ctx, o, from, t); err != nil {
		return err
	}
	return h.check(ctx, logs, t)
}

// anotherDoor is one more address of the storage.
func (h *house) anotherDoor() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = h.storage.Serve(l) }()
	return l.Addr().String(), nil
}

// awaitOne waits for somebody who ships, and wants that it is one alone.
func (s *shipments) awaitOne(ctx context.Context, before map[string]int, t *tally) (string, bool) {
	for deadline := time.Now().Add(takeOverWithin); ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		switch doors := s.by(before); {
		case len(doors) == 1:
			return doors[0], true
		case len(doors) > 1:
			t.find("%d servers ship the ledger", len(doors))
			return "", false
		case time.Now().After(deadline):
			t.find("nobody ships the ledger within %s", takeOverWithin)
			return "", false
		}
	}
	return "", false
}

// takeTurn takes the holder away and waits for the next one.
func (h *house) takeTurn(ctx context.Context, ships *shipments, at map[string]*server, holder string, pause bool, t *tally) (string, bool) {
	time.Sleep(1500 * time.Millisecond) // the others ask too, and must not get it
	if doors := ships.by(map[string]int{holder: 1 << 30}); t.kills == 0 && len(doors) > 0 {
		t.find("%d more servers ship the ledger beside the one who has the turn", len(doors))
	}
	s := at[holder]
	if pause {
		if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.find("stop: %v", err)
			return "", false
		}
	} else {
		s.kill()
		delete(at, holder)
	}
	t.kills++
	before := ships.all()
	started := time.Now()
	next, ok := ships.awaitOne(ctx, before, t)
	how := "killed"
	if pause {
		how = "stopped"
	}
	t.note("the ledger is shipped again %.1f s after its server was %s", time.Since(started).Seconds(), how)
	if !pause || !ok {
		return next, ok
	}
	had := ships.count(holder)
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.find("go on: %v", err)
	}
	time.Sleep(3 * time.Second)
	if n := ships.count(holder) - had; n > 1 { // one may have been on its way
		t.find("a server that was stopped and whose turn is over has put %d objects", n)
	}
	return next, ok
}

// shippedAll wants every batch behind some places in the bucket, as it is in
// the ledger.
func (h *house) shippedAll(ctx context.Context, o *opened, from []ledger.Stream, t *tally) error {
	histories, err := o.Histories(ctx)
	if err != nil {
		return err
	}
	var failed error
	for deadline := time.Now().Add(takeOverWithin); ; time.Sleep(200 * time.Millisecond) {
		tail, err := archive.OpenTail(ctx, archive.Folder(h.photos), o.keys, histories, from)
		if err != nil {
			t.find("what was shipped: %v", err)
			return nil
		}
		batches := 0
		failed = nil
		for _, e := range from {
			n, err := compareShipped(ctx, o, tail, e.Centre, e.Pos)
			batches, failed = batches+n, errors.Join(failed, err)
		}
		if failed == nil {
			t.note("%d batches in the bucket, each as it is in the ledger", batches)
			return nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			t.find("shipping: %v", failed)
			return nil
		}
	}
}

func compareShipped(ctx context.Context, o *opened, tail *archive.Tail, centre uuid.UUID, after uint64) (n int, err error) {
	for {
		mine, err := o.Batches(ctx, centre, after, 100)
		if err != nil || len(mine) == 0 {
			return n, err
		}
		for len(mine) > 0 {
			there, err := tail.Batches(ctx, centre, after, len(mine))
			if err != nil {
				return n, err
			}
			if len(there) == 0 {
				return n, fmt.Errorf("batch %d is not in the bucket", after+1)
			}
			for i, s := range there[:min(len(there), len(mine))] {
				if s.Pos != mine[i].Pos || s.Head != mine[i].Head || !bytes.Equal(s.Body, mine[i].Body) {
					return n, fmt.Errorf("batch %d is another one in the bucket", mine[i].Pos)
				}
				after, n = s.Pos, n+1
			}
			mine = mine[min(len(there), len(mine)):]
		}
	}
}
