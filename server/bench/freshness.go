package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/syncproto/changelog"
)

// The account whose screen is open.
const (
	deskLogin    = "bench-desk"
	deskPassword = "bench desk 20 words"
)

// freshness: from the acknowledgement of a push until an open screen of the
// desk shows what was pushed, against a plain load of that page.
func (b *bench) freshness(ctx context.Context) (rows []*row, err error) {
	dir, err := b.folder("data")
	if err != nil {
		return nil, err
	}
	var fleet []*device
	err = fill(ctx, dir, func(w *world) error {
		if fleet, err = w.installers(ctx, 1, b.runs); err != nil {
			return err
		}
		_, _, err := w.Auth.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: w.centre, Name: "客服", Login: deskLogin, Password: deskPassword, Role: "clerk"})
		return err
	})
	if err != nil {
		return nil, err
	}
	s, err := b.serve(serverSpec{Data: dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	if err := s.begin("freshness"); err != nil {
		return nil, err
	}
	f := &freshScreen{b: b, base: s.url, d: fleet[0], say: newPhrases(5), phone: fleetClient(1)}
	defer f.phone.CloseIdleConnections()
	if err := f.signIn(ctx); err != nil {
		return nil, err
	}
	var p50, p99, floor series
	for i := range b.runs {
		shown, bare, err := f.run(ctx, fleet[0].jobs[i])
		if err != nil {
			return nil, err
		}
		p50, p99, floor = append(p50, shown.percentile(0.5)), append(p99, shown.percentile(0.99)), append(floor, bare.percentile(0.99))
		b.say("run %d of %d: p50 %.1f ms, p99 %.1f ms, floor p99 %.1f ms", i+1, b.runs, p50[i], p99[i], floor[i])
	}
	if _, err := s.measured(); err != nil {
		return nil, err
	}
	r := compare(b.row, "ms p99", p99, floor)
	r.atMost("p99 ms", r.Ours, 100)
	r.figure("p50_ms", p50.median())
	r.note("%d pushes a run, one note each; the screen is the job's page, loaded again at each poke", b.size.freshPushes)
	return []*row{r}, nil
}

// freshScreen is a job's page in a browser of the desk.
type freshScreen struct {
	b      *bench
	base   string
	d      *device
	say    *phrases
	client *http.Client // the browser's
	phone  *http.Client
	pushed int
}

func (f *freshScreen) signIn(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	f.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := url.Values{"login": {deskLogin}, "password": {deskPassword}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.base+"/signin", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		body, _ := io.ReadAll(res.Body)
		return fmt.Errorf("sign-in: %d %.200s", res.StatusCode, body)
	}
	return nil
}

// run pushes notes to one job and watches its page.
func (f *freshScreen) run(ctx context.Context, job uuid.UUID) (shown, bare series, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	pokes, err := f.listen(ctx)
	if err != nil {
		return nil, nil, err
	}
	pack, err := newPacker()
	if err != nil {
		return nil, nil, err
	}
	page := f.base + "/centre/jobs/" + job.String()
	for range f.b.size.freshPushes {
		mark := "记号" + uuid.NewString()
		err := f.d.record(changelog.Change{Table: "note", Row: newID(), Op: changelog.Insert, Cols: map[string]any{
			"job": job[:], "kind": "note", "text": mark + f.say.sentence(), "at": now(), "author": f.d.person[:]}})
		if err != nil {
			return nil, nil, err
		}
		bodies, err := f.d.bodies(pack, f.pushed+1, 1)
		if err != nil {
			return nil, nil, err
		}
		if err := f.d.send(ctx, f.phone, f.base, bodies[0]); err != nil {
			return nil, nil, err
		}
		acked := time.Now()
		f.pushed++
		if err := f.await(ctx, pokes, page, mark); err != nil {
			return nil, nil, err
		}
		shown = append(shown, float64(time.Since(acked))/1e6)
		loaded := time.Now()
		if _, err := f.load(ctx, page); err != nil {
			return nil, nil, err
		}
		bare = append(bare, float64(time.Since(loaded))/1e6)
	}
	return shown, bare, nil
}

// await loads the page at each poke until it shows the mark.
func (f *freshScreen) await(ctx context.Context, pokes <-chan struct{}, page, mark string) error {
	for {
		select {
		case _, open := <-pokes:
			if !open {
				return errors.New("the event stream ended")
			}
		case <-ctx.Done():
			return fmt.Errorf("the screen never showed the note: %w", ctx.Err())
		}
		body, err := f.load(ctx, page)
		if err != nil {
			return err
		}
		if strings.Contains(body, mark) {
			return nil
		}
	}
}

func (f *freshScreen) load(ctx context.Context, page string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return "", err
	}
	res, err := f.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d", page, res.StatusCode)
	}
	return string(body), err
}

// listen opens the screens' event stream.
func (f *freshScreen) listen(ctx context.Context) (<-chan struct{}, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.base+"/events", nil)
	if err != nil {
		return nil, err
	}
	res, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("event stream: %d", res.StatusCode)
	}
	lines := bufio.NewReader(res.Body)
	if _, err := lines.ReadString('\n'); err != nil { // it listens from here on
		res.Body.Close()
		return nil, err
	}
	pokes := make(chan struct{}, 1)
	go func() {
		defer close(pokes)
		defer res.Body.Close()
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if strings.HasPrefix(line, "event: poke") {
				select {
				case pokes <- struct{}{}:
				default: // one is waiting already
				}
			}
		}
	}()
	return pokes, nil
}
