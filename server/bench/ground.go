package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"
)

// ground is what no page of ours can be faster than: a page of a few words, and
// the same words with the product's style sheets, in the same browser, the same
// tab and the same minute.
type ground struct {
	base          string
	words, styled series
	calm, looks   int // looks that found the machine idle, and all of them
	end           func() error
}

var sheetLink = regexp.MustCompile(`<link rel="stylesheet" href="([^"]+)">`)

// layGround serves both pages. The sheets are those that a page of ours names.
func layGround(ctx context.Context, client *http.Client, ours, page string) (*ground, error) {
	html, err := fetchText(ctx, client, ours+page)
	if err != nil {
		return nil, err
	}
	css := ""
	for _, m := range sheetLink.FindAllStringSubmatch(html, -1) {
		text, err := fetchText(ctx, client, ours+m[1])
		if err != nil {
			return nil, err
		}
		css += text
	}
	if css == "" {
		return nil, errors.New("the page names no style sheet")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	const words = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>floor</title>%s<body><p>待判定 一二三</p></body></html>`
	mux := http.NewServeMux()
	serve := func(path, kind, cache, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind+"; charset=utf-8")
			w.Header().Set("Cache-Control", cache)
			_, _ = io.WriteString(w, body) // a browser that went away
		})
	}
	serve("/words", "text/html", "no-store", fmt.Sprintf(words, ""))
	serve("/styled", "text/html", "no-store", fmt.Sprintf(words, `<link rel="stylesheet" href="/sheet.css">`))
	serve("/sheet.css", "text/css", "public, max-age=31536000, immutable", css)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	return &ground{base: "http://" + l.Addr().String(), end: func() error {
		err := srv.Close()
		if e := <-done; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}}, nil
}

// look opens both pages once.
func (g *ground) look(e *eye) error {
	for _, x := range []struct {
		path string
		to   *series
	}{{"/words", &g.words}, {"/styled", &g.styled}} {
		ms, err := e.paint(g.base + x.path)
		if err != nil {
			return err
		}
		*x.to = append(*x.to, ms)
	}
	return nil
}

// await gives the machine half a second to become idle, for a page that is painted
// while something else computes says more about that. It never waits longer.
func (g *ground) await() {
	g.looks++
	for range 4 {
		was, ok := readTicks()
		time.Sleep(125 * time.Millisecond)
		if is, _ := readTicks(); !ok || is.all > was.all && float64(is.idle-was.idle) > .85*float64(is.all-was.all) {
			g.calm++
			return
		}
	}
}

// ticks are the processors' clock ticks since the machine began.
type ticks struct{ idle, all uint64 }

func readTicks() (ticks, bool) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}, false
	}
	var v [8]uint64
	if _, err := fmt.Sscanf(string(b), "cpu %d %d %d %d %d %d %d %d", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]); err != nil {
		return ticks{}, false
	}
	t := ticks{idle: v[3] + v[4]}
	for _, x := range v {
		t.all += x
	}
	return t, true
}

func fetchText(ctx context.Context, client *http.Client, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return string(b), err
}
