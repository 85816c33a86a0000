package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"time"
)

// ways in which a connection to PostgreSQL ends. The commit whose answer is
// lost is the one that matters: it took place, and nobody was told.
const (
	cutCommitAnswer = iota // the commit took place, its answer is lost
	cutCommitHalf          // and a part of it arrives
	cutRequest             // a request arrives by half
	cutAnswer              // an answer arrives by half
	cutStalled             // nothing for a while, then the end
	cutAll                 // all connections at once
	cutWays
)

// cutter is a network between server and database that breaks on demand.
type cutter struct {
	listener net.Listener
	target   string // a unix socket

	mu    sync.Mutex
	rand  *rand.Rand
	next  int // way of the cut that is due; -1 for none
	made  [cutWays]int
	conns map[net.Conn]net.Conn
}

func newCutter(target string, r *rand.Rand) (*cutter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cutter{listener: l, target: target, rand: r, next: -1, conns: map[net.Conn]net.Conn{}}
	go c.accept()
	return c, nil
}

func (c *cutter) url() string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", c.listener.Addr(), pgDatabase)
}

func (c *cutter) close() {
	_ = c.listener.Close()
	c.cutAll()
}

func (c *cutter) accept() {
	for {
		in, err := c.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("unix", c.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		c.mu.Lock()
		c.conns[in] = out
		c.mu.Unlock()
		go c.carry(in, out, in, false)
		go c.carry(in, in, out, true)
	}
}

// end resets a connection on the server's side; PostgreSQL sees its end.
func (c *cutter) end(in net.Conn) {
	c.mu.Lock()
	out := c.conns[in]
	delete(c.conns, in)
	c.mu.Unlock()
	if out == nil {
		return
	}
	if t, ok := in.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = errors.Join(in.Close(), out.Close())
}

func (c *cutter) cutAll() {
	c.mu.Lock()
	var all []net.Conn
	for in := range c.conns {
		all = append(all, in)
	}
	c.mu.Unlock()
	for _, in := range all {
		c.end(in)
	}
}

// cut makes the next chance a cut of some kind.
func (c *cutter) cut() {
	c.mu.Lock()
	way := c.rand.IntN(cutWays)
	if way == cutAll {
		c.made[way]++
	} else {
		c.next = way
	}
	c.mu.Unlock()
	if way == cutAll {
		c.cutAll()
	}
}

// due says whether this piece is where the connection ends, and how much of it
// still passes.
func (c *cutter) due(piece []byte, request bool) (way, pass int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := bytes.Index(piece, []byte("COMMIT\x00"))
	switch c.next {
	case cutCommitAnswer, cutCommitHalf:
		if request || at < 0 {
			return -1, 0
		}
	case cutRequest:
		if !request {
			return -1, 0
		}
	case cutAnswer, cutStalled:
		if request {
			return -1, 0
		}
	default:
		return -1, 0
	}
	way, c.next = c.next, -1
	c.made[way]++
	switch way {
	case cutCommitHalf:
		pass = at + 3
	case cutRequest, cutAnswer:
		pass = c.rand.IntN(len(piece))
	}
	return way, pass
}

func (c *cutter) carry(in, from, to net.Conn, request bool) {
	defer c.end(in)
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			way, pass := c.due(b[:n], request)
			if way < 0 {
				pass = n
			}
			if way == cutStalled {
				time.Sleep(200 * time.Millisecond)
			}
			if _, err := to.Write(b[:pass]); err != nil || way >= 0 {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pgCuts cuts connections between server and PostgreSQL while devices push and
// one looks at the feed.
func (b *bench) pgCuts(ctx context.Context, t *tally, n int) error {
	r := b.random(t.name)
	h, err := b.newHouse(ctx, nil)
	if err != nil {
		return err
	}
	defer h.close()
	net, err := newCutter(filepath.Join(h.pg.Dir, ".s.PGSQL.5432"), rand.New(rand.NewPCG(r.Uint64(), r.Uint64())))
	if err != nil {
		return err
	}
	defer net.close()
	direct := h.url
	h.url = net.url()
	s, err := h.serve(ctx)
	if err != nil {
		return err
	}
	logs := b.fresh()
	c := gather(ctx, logs, r, 6, always(s.url))
	defer c.stop()
	for t.links < n && ctx.Err() == nil && len(c.errors()) == 0 {
		net.cut()
		t.links++
		time.Sleep(between(r, 5*time.Millisecond, 60*time.Millisecond))
	}
	net.mu.Lock()
	net.next = -1
	made := net.made
	net.mu.Unlock()
	if !c.until(ctx, 10, t) {
		t.find("the server says: %s", s.tail)
	}
	c.end(t)
	again(ctx, s.url, logs, t)
	t.count(logs, nil)
	t.note("%d commits took place whose answer was lost; %d pushes told to come back, %d without an answer; longest time without an acknowledgement %d ms",
		made[cutCommitAnswer]+made[cutCommitHalf], c.later, c.broken, c.gap.Milliseconds())
	if made[cutCommitAnswer]+made[cutCommitHalf] == 0 {
		t.find("no commit lost its answer: the drill did not try what it is for")
	}
	if c.broken > 0 {
		t.find("%d pushes had no answer though the server lived", c.broken)
	}
	h.url = direct
	err = h.check(ctx, logs, t)
	h.verify(ctx, t)
	return err
}
