// Package cable is a network that can really be cut: a TCP proxy on a port of
// its own that, once cut, closes its listener and resets every connection that
// runs through it, so that whoever is behind it meets the same errors as a
// phone in a basement.
//
// It passes bytes on unread and unchanged, and keeps nothing.
package cable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Cable carries connections from its own address to a target. It is safe for
// concurrent use.
type Cable struct {
	addr string

	mu       sync.Mutex
	target   string
	listener net.Listener // nil while it is cut
	open     map[net.Conn]bool
	closed   bool
	running  sync.WaitGroup
}

// Listen lays a cable from an address; port 0 takes a free one, which stays
// the cable's own over cuts. Until [Cable.Connect] has named a target,
// connections are reset.
func Listen(address string) (*Cable, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("lay a cable: %w", err)
	}
	c := &Cable{addr: l.Addr().String(), open: map[net.Conn]bool{}}
	c.serve(l)
	return c, nil
}

// Addr is where the cable begins, also while it is cut.
func (c *Cable) Addr() string { return c.addr }

// Connect says where the cable leads to.
func (c *Cable) Connect(target string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target = target
}

// IsCut says whether nothing goes through.
func (c *Cable) IsCut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.listener == nil
}

// Cut closes the listener and resets all connections. Cutting twice is
// harmless.
func (c *Cable) Cut() error {
	c.mu.Lock()
	l := c.listener
	c.listener = nil
	for conn := range c.open {
		reset(conn)
	}
	clear(c.open)
	c.mu.Unlock()
	if l == nil {
		return nil
	}
	return l.Close()
}

// Restore listens again on the same address.
func (c *Cable) Restore() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listener != nil || c.closed {
		return nil
	}
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		return fmt.Errorf("mend the cable: %w", err)
	}
	c.serve(l)
	return nil
}

// Close cuts the cable for good and waits until nothing runs any more.
func (c *Cable) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	err := c.Cut()
	c.running.Wait()
	return err
}

// serve accepts until the listener is closed. The caller holds the mutex, or
// is alone.
func (c *Cable) serve(l net.Listener) {
	c.listener = l
	c.running.Go(func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // one that failed while being accepted
			}
			c.running.Go(func() { c.carry(l, conn) })
		}
	})
}

// carry joins one connection to the target until either side ends it.
func (c *Cable) carry(l net.Listener, near net.Conn) {
	if !c.keep(l, near) {
		return
	}
	defer c.forget(near)
	c.mu.Lock()
	target := c.target
	c.mu.Unlock()
	if target == "" {
		reset(near)
		return
	}
	far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", target)
	if err != nil {
		reset(near)
		return
	}
	if !c.keep(l, far) {
		reset(near)
		return
	}
	defer c.forget(far)
	done := make(chan struct{}, 2)
	go pass(far, near, done)
	go pass(near, far, done)
	<-done
	<-done
}

// pass copies one direction and hands its end on: an end as an end, a reset as
// a reset.
func pass(to, from net.Conn, done chan<- struct{}) {
	_, err := io.Copy(to, from)
	if t, ok := to.(*net.TCPConn); ok && err == nil {
		_ = t.CloseWrite() // the other direction may still be talking
	} else {
		reset(to) // also where the cut came to the other end first
	}
	done <- struct{}{}
}

// keep notes an open connection; one that came while the cable was being cut
// is reset.
func (c *Cable) keep(l net.Listener, conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listener != l {
		reset(conn)
		return false
	}
	c.open[conn] = true
	return true
}

func (c *Cable) forget(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
	_ = conn.Close()
}

// reset ends a connection so that the other side sees a reset, not an end.
func reset(conn net.Conn) {
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}
