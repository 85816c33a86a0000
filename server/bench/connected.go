package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"siteledger/syncproto"
)

// streamsWord as the first argument makes this program a bare server of event
// streams.
const streamsWord = "bare-streams"

// streamsChild serves streams that say hello and wait, and nothing else.
func streamsChild(_ context.Context, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ": hello\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})}
	go func() { _ = srv.Serve(l) }()
	fmt.Fprintf(out, "ready http://%s\n", l.Addr())
	_, err = io.Copy(io.Discard, in)
	return errors.Join(err, srv.Close())
}

// fewFiles is what a system allows a process that does not say.
const fewFiles = 256

// spareFiles is what a process needs of files besides its streams.
const spareFiles = 200

// connected: idle event streams, bytes of the server's memory each, against a
// bare HTTP server that holds as many.
func (b *bench) connected(ctx context.Context) ([]*row, error) {
	template, err := b.folder("template")
	if err != nil {
		return nil, err
	}
	n := max(1, min(b.size.streams, mostFiles()-spareFiles))
	each := (n + b.size.streamDevices - 1) / b.size.streamDevices
	var fleet []*device
	err = fill(ctx, template, func(w *world) error {
		fleet, err = w.installers(ctx, b.size.streamDevices, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	var ours, floor, total series
	for i := range b.runs {
		dir := filepath.Join(b.dir, b.row, fmt.Sprintf("run%d", i))
		if err := copyFolder(template, dir); err != nil {
			return nil, err
		}
		s, err := b.serve(serverSpec{Data: dir, StreamsPer: max(each, 3)})
		if err != nil {
			return nil, err
		}
		mine, peak, err := hold(ctx, s.process, s.url, n, func(i int) string { return fleet[i%len(fleet)].token })
		if err = errors.Join(err, s.end()); err != nil {
			return nil, err
		}
		b.peakOf("server", peak)
		p, err := launch(streamsWord, nil)
		if err != nil {
			return nil, err
		}
		address, err := p.hear("ready")
		if err != nil {
			return nil, err
		}
		bare, _, err := hold(ctx, p, address, n, func(int) string { return "" })
		if err = errors.Join(err, p.end()); err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		ours, floor, total = append(ours, mine/1024), append(floor, bare/1024), append(total, mb(peak))
		b.say("run %d of %d: %d streams, %.1f KB each, floor %.1f KB", i+1, b.runs, n, mine/1024, bare/1024)
	}
	r := compare(b.row, "KB each", ours, floor)
	r.atMost("KB", r.Ours, 20)
	r.figure("streams", float64(n))
	r.figure("server_peak_mb", total.median())
	r.note("%d devices with up to %d streams each", len(fleet), each)
	if n < b.size.streams {
		r.note("the system allows %d files for a process: %d streams instead of %d", mostFiles(), n, b.size.streams)
	}
	return []*row{r}, nil
}

// hold opens n streams and gives the bytes that each adds to the process, and
// the process's highest memory.
func hold(ctx context.Context, p *process, base string, n int, token func(int) string) (each, peak float64, err error) {
	conns := make([]net.Conn, n)
	defer func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	u, err := url.Parse(base)
	if err != nil {
		return 0, 0, err
	}
	before, err := memoryNow(p.pid())
	if err != nil {
		return 0, 0, err
	}
	if err := forgetPeak(p.pid()); err != nil {
		return 0, 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range conns {
		group.Go(func() (err error) {
			conns[i], err = openStream(ctx, u.Host, token(i))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, err
	}
	after, err := memoryNow(p.pid())
	if err != nil {
		return 0, 0, err
	}
	peak, err = memoryPeak(p.pid())
	return (after - before) / float64(n), peak, err
}

// openStream opens one event stream and waits for its first word.
func openStream(ctx context.Context, host, token string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\n\r\n", syncproto.PathEvents, host, token); err != nil {
		return c, err
	}
	r := bufio.NewReaderSize(c, 512)
	for {
		if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			return c, err
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return c, err
		}
		switch {
		case strings.HasPrefix(line, "HTTP/1.1 ") && !strings.HasPrefix(line, "HTTP/1.1 200"):
			return c, fmt.Errorf("event stream: %s", strings.TrimSpace(line))
		case strings.HasPrefix(line, ": hello"):
			return c, nil
		}
	}
}
