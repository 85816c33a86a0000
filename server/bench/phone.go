package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// phoneWord as the first argument makes this program a phone with the real
// client SDK, measured from outside.
const phoneWord = "measured-phone"

// phoneSpec is what a phone's process is told on its first line.
type phoneSpec struct {
	Dir, Server string
}

// phoneAnswer is what a phone says of one order.
type phoneAnswer struct {
	MS       float64   // how long it took
	Each     []float64 `json:",omitempty"` // of each visit, in ms
	Sent     int64     // bytes on the wire, headers and all
	Received int64
	Pushed   int   // changes
	Pulled   int   // rows
	Bodies   int64 // bytes of push bodies
}

// measuredPhone is a phone while it works.
type measuredPhone struct {
	profiler       profiler
	client         *clientsdk.Client
	say            *phrases
	sent, received atomic.Int64
	bodies         atomic.Int64
}

// phoneChild answers each line, "ok" and JSON, until its input ends.
func phoneChild(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	lines := bufio.NewReader(in)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var spec phoneSpec
	if err := json.Unmarshal(first, &spec); err != nil {
		return err
	}
	p := &measuredPhone{say: newPhrases(7)}
	p.client, err = clientsdk.Open(clientsdk.Config{Dir: spec.Dir, Server: spec.Server, HTTP: &http.Client{Transport: p.transport()}, Platform: "bench", Model: "bench", App: "bench"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.client.Close()) }()
	fmt.Fprintln(out, "ready")
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		verb, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		a, err := p.obey(ctx, verb, arg)
		if err != nil {
			return fmt.Errorf("%s: %w", verb, err)
		}
		b, err := json.Marshal(a)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "ok %s\n", b)
	}
}

func (p *measuredPhone) obey(ctx context.Context, verb, arg string) (a phoneAnswer, err error) {
	sent, received, bodies := p.sent.Load(), p.received.Load(), p.bodies.Load()
	n, _ := strconv.Atoi(arg)
	start := time.Now()
	switch verb {
	case "enrol":
		err = p.client.Enrol(ctx, arg)
	case "sync":
		var r clientsdk.Round
		r, err = p.client.Sync(ctx)
		a.Pushed, a.Pulled = r.Pushed, r.Pulled
	case "visits":
		a.Each, err = p.visits(ctx, n)
	case "backlog":
		err = p.backlog(ctx, n)
	default:
		var known bool
		if known, err = p.profiler.obey(verb, arg); !known {
			err = fmt.Errorf("unknown word %q", verb)
		}
	}
	a.MS = float64(time.Since(start)) / 1e6
	a.Sent, a.Received, a.Bodies = p.sent.Load()-sent, p.received.Load()-received, p.bodies.Load()-bodies
	return a, err
}

// visits records n whole visits, one of each open job, and times each without
// the pictures' own way into the photo store.
func (p *measuredPhone) visits(ctx context.Context, n int) ([]float64, error) {
	id, _ := p.client.Identity()
	var jobs []schema.Row
	err := p.client.View(ctx, func(v *clientsdk.View) (err error) {
		jobs, err = v.Rows("job", clientsdk.Query{Where: map[string]any{"status": "dispatched"}})
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(jobs) < n {
		return nil, fmt.Errorf("the phone shows %d open jobs, want %d", len(jobs), n)
	}
	var out []float64
	for _, j := range jobs[:n] {
		v := &visit{job: j.ID, person: id.Person, first: true, say: p.say}
		for i := range photosOfVisit + 1 {
			pic, err := p.picture(ctx, i)
			if err != nil {
				return nil, err
			}
			v.pictures = append(v.pictures, pic)
		}
		start := time.Now()
		for _, step := range v.steps() {
			if err := p.client.Edit(ctx, func(e *clientsdk.Edit) error { return step(e) }); err != nil {
				return nil, err
			}
		}
		out = append(out, float64(time.Since(start))/1e6)
	}
	return out, nil
}

// picture stores a small photo that nobody has.
func (p *measuredPhone) picture(ctx context.Context, i int) (picture, error) {
	purpose, kind := purposeOf(i)
	b := make([]byte, 2000)
	if _, err := rand.Read(b); err != nil {
		return picture{}, err
	}
	copy(b, "\xff\xd8\xff\xe0")
	if purpose == syncproto.PurposeSignature {
		copy(b, "\x89PNG\r\n\x1a\n")
	}
	a, err := p.client.Attach(ctx, bytes.NewReader(b), purpose, kind)
	return picture{a.SHA256, a.Size}, err
}

// backlogTxn is how many changes one transaction of a made-up backlog has.
const backlogTxn = 100

// backlog records n changes that wait to be sent.
func (p *measuredPhone) backlog(ctx context.Context, n int) error {
	for done := 0; done < n; {
		more := min(backlogTxn, n-done)
		err := p.client.Edit(ctx, func(e *clientsdk.Edit) error {
			for range more {
				if _, err := e.Insert("day_summary", map[string]any{"day": "2026-11-20", "text": p.say.sentence()}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		done += more
	}
	return nil
}

// transport counts what goes over the wire.
func (p *measuredPhone) transport() http.RoundTripper {
	var d net.Dialer
	return countPushes{&p.bodies, &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := d.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &countConn{c, &p.sent, &p.received}, nil
		},
	}}
}

// countConn counts bytes of a connection.
type countConn struct {
	net.Conn
	sent, received *atomic.Int64
}

func (c *countConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.received.Add(int64(n))
	return n, err
}

func (c *countConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent.Add(int64(n))
	return n, err
}

// countPushes counts the bytes of push bodies.
type countPushes struct {
	bodies *atomic.Int64
	next   http.RoundTripper
}

func (c countPushes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == syncproto.PathPush {
		c.bodies.Add(r.ContentLength)
	}
	return c.next.RoundTrip(r)
}

// phone is a running phone of a row.
type phone struct {
	*process
	b *bench
}

// newPhone starts a phone on a folder.
func (b *bench) newPhone(dir, server string) (*phone, error) {
	p, err := launch(phoneWord, phoneSpec{Dir: dir, Server: server})
	if err != nil {
		return nil, err
	}
	if _, err := p.hear("ready"); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return &phone{p, b}, nil
}

// do gives an order and reads its answer.
func (p *phone) do(format string, args ...any) (a phoneAnswer, err error) {
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		return a, err
	}
	text, err := p.hear("ok")
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(text), &a)
}

// watched is do, with the phone's highest memory meanwhile.
func (p *phone) watched(format string, args ...any) (a phoneAnswer, peak float64, err error) {
	if p.b.profile != "" {
		p.b.profiles++
		path, err := p.b.profilePath(fmt.Sprintf("%s-phone-%d", p.b.row, p.b.profiles))
		if err == nil {
			_, err = p.do("profile %s", path)
		}
		if err != nil {
			return a, 0, err
		}
		defer func() {
			_, end := p.do("profile-end")
			err = errors.Join(err, end)
		}()
	}
	if err := forgetPeak(p.pid()); err != nil {
		return a, 0, err
	}
	if a, err = p.do(format, args...); err != nil {
		return a, 0, err
	}
	peak, err = memoryPeak(p.pid())
	p.b.peakOf("phone", peak)
	return a, peak, err
}
