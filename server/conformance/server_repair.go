package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

func (d *device) repair(ctx context.Context, roots []sumOf) (*page, answer, error) {
	b, err := jsonBytes(map[string]any{"roots": roots})
	if err != nil {
		return nil, answer{}, err
	}
	a, err := d.call(ctx, http.MethodPost, syncproto.PathRepair, d.answer.AccessToken, b, "Accept", syncproto.TypeCBOR)
	if err != nil || a.status != 200 {
		return nil, a, err
	}
	p, err := readPage(a.body)
	return p, a, err
}

func (s *site) repairs() []check {
	m := func(name string, do func(context.Context) error) check { return check{"6", "P6", name, do} }
	// have is what a phone in step would send.
	have := func(ctx context.Context) ([]sumOf, []pageRow, error) {
		p, err := s.main.pullAll(ctx, "", 1000)
		if err != nil {
			return nil, nil, err
		}
		return p.Checksums, p.Rows, nil
	}
	return []check{
		m("repair of a phone in step gives nothing", func(ctx context.Context) error {
			roots, _, err := have(ctx)
			if err != nil {
				return err
			}
			p, a, err := s.main.repair(ctx, roots)
			if err != nil {
				return err
			}
			if p == nil || len(p.Rows)+len(p.Removed) != 0 {
				return differs("200 and nothing", fmt.Sprint(a, p))
			}
			return nil
		}),
		m("a root that differs is removed first, then given whole; a foreign one is only removed; an unnamed one is given", func(ctx context.Context) error {
			roots, rows, err := have(ctx)
			if err != nil {
				return err
			}
			person, stranger := s.main.answer.Person, newID()
			var send []sumOf
			left := map[uuid.UUID]int{}
			for _, r := range rows {
				left[r.Root]++
			}
			for _, r := range roots {
				switch {
				case r.Root == person:
					send = append(send, sumOf{person, r.Count - 1, "0123456789abcdef"})
				case s.job == nil || r.Root != s.job.id: // the job's is not named
					send = append(send, r)
				}
			}
			p, a, err := s.main.repair(ctx, append(send, sumOf{stranger, 3, "00000000000000ff"}))
			if err != nil {
				return err
			}
			if p == nil {
				return differs(200, a)
			}
			got := map[uuid.UUID]int{}
			for _, r := range p.Rows {
				got[r.Root]++
			}
			gone := map[uuid.UUID]string{}
			for _, r := range p.Removed {
				if r.Root != nil {
					gone[*r.Root] = r.Why
				}
			}
			if len(gone) != 2 || gone[person] != syncproto.WhyLeft || gone[stranger] != syncproto.WhyLeft {
				return differs("the differing and the foreign root removed, left", fmt.Sprint(gone))
			}
			if got[person] != left[person] || s.job != nil && got[s.job.id] != left[s.job.id] || len(got) > 2 {
				return differs(fmt.Sprintf("%d rows of the person and the job's", left[person]), fmt.Sprint(got))
			}
			return nil
		}),
		m("a sum that is none: 400 body-invalid", func(ctx context.Context) error {
			_, a, err := s.main.repair(ctx, []sumOf{{s.main.answer.Person, 1, "zz"}})
			if err != nil {
				return err
			}
			return a.refused(syncproto.BodyInvalid)
		}),
	}
}

// events checks the stream of pokes.
func (s *site) events() []check {
	return []check{
		{"6", "", "events: text/event-stream, and a poke with data {} when another phone of the person pushes", s.poked},
		{"6", "", "events without a token: 401", func(ctx context.Context) error {
			a, err := s.call(ctx, http.MethodGet, syncproto.PathEvents, "", nil)
			if err != nil {
				return err
			}
			return a.refused(syncproto.TokenInvalid)
		}},
	}
}

func (s *site) poked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+syncproto.PathEvents, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.main.answer.AccessToken)
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return differs("200 text/event-stream", fmt.Sprint(res.StatusCode, res.Header.Get("Content-Type")))
	}
	s.second.start(newID())
	if _, err := s.second.write(ctx, day("叫醒")); err != nil {
		return err
	}
	lines := bufio.NewScanner(res.Body)
	event := ""
	for lines.Scan() {
		line := lines.Text()
		if v, ok := strings.CutPrefix(line, "event:"); ok {
			event = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(line, "data:"); ok {
			if event != "poke" || strings.TrimSpace(v) != "{}" {
				return differs("event: poke, data: {}", event+" "+v)
			}
			return nil
		}
	}
	return differs("a poke within 10 s", lines.Err())
}
