package headquarters

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"strconv"
	"time"

	"siteledger/server/fault"
	"siteledger/server/web"
	"siteledger/syncproto/schema"
)

const (
	profileSeconds = 10       // of a processor profile, where nothing is asked
	profileLongest = 30       // seconds
	profileBytes   = 32 << 20 // of any profile
)

// profiles are what the runtime keeps by itself, beside "cpu". They hold
// functions and sizes, no data.
func profiles() []string { return []string{"goroutine", "heap", "allocs", "threadcreate"} }

// admins may look inside the process.
func admins() []schema.Role { return []schema.Role{schema.Admin} }

// profile serves GET /headquarters/profile/{kind}: a profile of this server
// for `go tool pprof`. One is taken at a time, bounded in time and size. Behind
// a load balancer it is the profile of whichever server answers.
func (d *Door) profile(c *web.Context) error {
	kind := c.R.PathValue("kind")
	select {
	case d.profiling <- struct{}{}:
		defer func() { <-d.profiling }()
	default:
		return fault.New(fault.TooMany, "正在采集另一份性能数据 · Another profile is being taken")
	}
	out := &bounded{most: profileBytes}
	if err := take(c.Context(), kind, c.R.FormValue("seconds"), out); err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+kind+`.pb.gz"`)
	h.Set("Cache-Control", "no-store")
	_, err := c.W.Write(out.Bytes())
	if err != nil {
		return nil // the reader is gone
	}
	return nil
}

func take(ctx context.Context, kind, seconds string, out *bounded) error {
	if kind == "cpu" {
		return takeCPU(ctx, seconds, out)
	}
	for _, name := range profiles() {
		if name == kind {
			if err := pprof.Lookup(name).WriteTo(out, 0); err != nil {
				return fmt.Errorf("profile %s: %w", name, err)
			}
			return nil
		}
	}
	return web.NotFound()
}

func takeCPU(ctx context.Context, seconds string, out *bounded) error {
	n := profileSeconds
	if seconds != "" {
		var err error
		if n, err = strconv.Atoi(seconds); err != nil || n < 1 || n > profileLongest {
			return fault.New(fault.Invalid, fmt.Sprintf("seconds 应为 1 到 %d · seconds must be from 1 to %d", profileLongest, profileLongest))
		}
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return fault.Wrap(fault.TooMany, "正在采集另一份性能数据 · Another profile is being taken", err)
	}
	t := time.NewTimer(time.Duration(n) * time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	pprof.StopCPUProfile()
	return ctx.Err()
}

// bounded is a buffer that takes no more than most bytes.
type bounded struct {
	bytes.Buffer
	most int
}

var errProfileLarge = errors.New("the profile is over its bound")

// Write satisfies io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		return 0, errProfileLarge
	}
	return b.Buffer.Write(p)
}
