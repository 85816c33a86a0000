package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"siteledger/server/app"
	"siteledger/server/demo/month"
	"siteledger/server/demo/tier"
	"siteledger/syncproto/schema"
)

// screensRow is a row of the long form alone: its sample months take minutes
// to fill.
const screensRow = "screens"

func screens() named { return named{screensRow, (*bench).screens} }

// page is one address, and how long it took at one size, in milliseconds.
type page struct {
	path, role string
	cpu        float64 // of server and client, in milliseconds: it stays the same on a busy machine
	server     series  // from the request to the last byte of the answer
	paint      series  // from the navigation to the first contentful paint
}

// screens: every page of both doors, on the month of one centre and on that of
// sixty, as the server gives it and as a browser paints it.
func (b *bench) screens(ctx context.Context) ([]*row, error) {
	small, _, err := b.tierPages(ctx, "S")
	if err != nil {
		return nil, err
	}
	large, floor, err := b.tierPages(ctx, "M")
	if err != nil {
		return nil, err
	}
	worst := func(pages []*page, of func(*page) series) (p *page) {
		return slices.MaxFunc(pages, func(x, y *page) int { return int(1000 * (of(x).median() - of(y).median())) })
	}
	serve, paint := func(p *page) series { return p.server }, func(p *page) series { return p.paint }
	r := compare(screensRow, "ms server, slowest page", worst(large, serve).server, worst(small, serve).server)
	q := compare(screensRow+"_paint", "ms to paint, slowest page", worst(large, paint).paint, floor.styled)
	q.atMost("ms to paint", q.Ours, withinMs)
	q.figure("tier_s_slowest_ms", worst(small, paint).paint.median())
	q.figure("floor_words_ms", floor.words.median())
	q.figure("floor_words_and_sheets_ms", floor.styled.median())
	q.figure("quiet_looks_percent", 100*float64(floor.calm)/float64(max(1, floor.looks)))
	within := 0
	for _, p := range large {
		if p.paint.median() <= withinMs {
			within++
		}
	}
	q.figure("pages_within_150_ms", float64(within))
	for _, x := range []struct {
		r  *row
		of func(*page) series
	}{{r, serve}, {q, paint}} {
		slices.SortFunc(large, func(a, c *page) int { return int(1000 * (x.of(c).median() - x.of(a).median())) })
		for _, p := range large[:min(12, len(large))] {
			x.r.note("%s %s: p50 %s ms, p95 %s ms, CPU %s ms", p.role, p.path, number(x.of(p).median()), number(x.of(p).percentile(0.95)), number(p.cpu))
		}
		var all series
		for _, p := range large {
			all = append(all, x.of(p)...)
		}
		x.r.figure("pages", float64(len(large)))
		x.r.figure("all_p50_ms", all.median())
		x.r.figure("all_p95_ms", all.percentile(0.95))
	}
	return []*row{r, q}, nil
}

// tierPages opens every page of a size, and between two looks the ground below
// them.
func (b *bench) tierPages(ctx context.Context, name string) (pages []*page, floor *ground, err error) {
	dir, s, err := b.sampleMonths(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	a, err := app.New(ctx, serverSpec{Data: dir}.config(), slog.New(slog.DiscardHandler), "bench")
	if err != nil {
		stop()
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended, a.Close())
	}()
	eye, err := openEye(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer eye.close()
	judge, err := signIn(ctx, a.URL(), loginOf(s, schema.Adjudicator))
	if err != nil {
		return nil, nil, err
	}
	if floor, err = layGround(ctx, judge, a.URL(), "/headquarters/"); err != nil {
		return nil, nil, fmt.Errorf("floor: %w", err)
	}
	defer func() { err = errors.Join(err, floor.end()) }()
	desks := map[schema.Role]*http.Client{}
	for _, route := range a.Screens() {
		if route.Method != http.MethodGet || route.Public {
			continue
		}
		role := route.Roles[0]
		if desks[role] == nil {
			if desks[role], err = signIn(ctx, a.URL(), loginOf(s, role)); err != nil {
				return nil, nil, err
			}
		}
		paths, err := tier.Pages(ctx, a.Store, s, route.Path)
		if err != nil {
			return nil, nil, err
		}
		for _, path := range paths {
			p := &page{path: path, role: string(role)}
			if err := b.look(ctx, eye, floor, desks[role], a.URL(), p); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", path, err)
			}
			if len(p.paint) > 0 {
				pages = append(pages, p)
			}
		}
	}
	b.say("%s: %d pages of %s changes", name, len(pages), count(s.Changes))
	return pages, floor, nil
}

// sampleMonths fills a folder, or takes the one that an earlier run has kept.
func (b *bench) sampleMonths(ctx context.Context, name string) (string, tier.Sample, error) {
	dir := filepath.Join(b.samples, name)
	if b.samples == "" {
		dir = filepath.Join(b.dir, b.row, name)
	}
	if s, ok, err := tier.Filled(dir); ok || err != nil {
		return dir, s, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", tier.Sample{}, err
	}
	size, err := tier.Named(name)
	if err != nil {
		return "", tier.Sample{}, err
	}
	start := time.Now()
	before, err := cpuSeconds(os.Getpid())
	if err != nil {
		return "", tier.Sample{}, err
	}
	s, err := tier.Fill(ctx, serverSpec{Data: dir}.config(), size, 1, time.Now(), slog.New(slog.DiscardHandler), func(done, all, changes int) {
		if done%5 == 0 || done == all {
			b.say("%s: %d of %d centres, %s changes", name, done, all, count(changes))
		}
	})
	if err != nil {
		return "", tier.Sample{}, err
	}
	after, err := cpuSeconds(os.Getpid())
	b.say("%s: filled in %.0f s, %.0f CPU s", name, time.Since(start).Seconds(), after-before)
	return dir, s, err
}

func loginOf(s tier.Sample, role schema.Role) string {
	for _, l := range s.Logins {
		if l.Role == role {
			return l.Login
		}
	}
	return ""
}

func signIn(ctx context.Context, base, login string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := url.Values{"login": {login}, "password": {month.Password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/signin", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("sign-in of %s: %s", login, res.Status)
	}
	return c, nil
}

// looks is how often each page is opened by a client, and glances how often by
// the browser: in the tab that shows the page before, styles and scripts in its
// cache, as people go from page to page. Each shall be painted withinMs.
const looks, glances, withinMs = 7, 3, 150

// look opens a page. What is no page, such as a table to download, or has no
// bytes in the sample, is left out.
func (b *bench) look(ctx context.Context, eye *eye, floor *ground, client *http.Client, base string, p *page) error {
	before, err := cpuSeconds(os.Getpid())
	if err != nil {
		return err
	}
	for range looks {
		start := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+p.path, nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		err = errors.Join(err, res.Body.Close())
		if err != nil {
			return err
		}
		if res.StatusCode == http.StatusNotFound || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			return nil
		}
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		p.server = append(p.server, float64(time.Since(start))/1e6)
	}
	after, err := cpuSeconds(os.Getpid())
	if err != nil {
		return err
	}
	p.cpu = (after - before) * 1000 / looks
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	if err := eye.wear(client.Jar.Cookies(u), base); err != nil {
		return err
	}
	for range glances {
		// From another page of the site: the same address once more is a reload.
		if _, err := eye.paint(base + "/no-such-page"); err != nil {
			return err
		}
		floor.await()
		ms, err := eye.paint(base + p.path)
		if err != nil {
			return err
		}
		p.paint = append(p.paint, ms)
	}
	floor.await()
	return floor.look(eye)
}
