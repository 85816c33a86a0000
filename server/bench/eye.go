package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// eye is a headless Chromium with one tab of a desk's size.
type eye struct {
	ctx    context.Context
	cancel []context.CancelFunc
}

func openEye(ctx context.Context) (*eye, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		return nil, errors.New("no Chromium; on Debian: apt-get install --no-install-recommends chromium fonts-wqy-microhei")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	e := &eye{}
	allocated, cancel := chromedp.NewExecAllocator(ctx, opts...)
	e.cancel = append(e.cancel, cancel)
	e.ctx, cancel = chromedp.NewContext(allocated)
	e.cancel = append(e.cancel, cancel)
	if err := chromedp.Do(e.ctx, chromedp.EmulateViewport(1440, 900)); err != nil {
		e.close()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	return e, nil
}

func (e *eye) close() {
	for i := len(e.cancel) - 1; i >= 0; i-- {
		e.cancel[i]()
	}
}

// wear takes somebody's cookies.
func (e *eye) wear(cookies []*http.Cookie, base string) error {
	for _, c := range cookies {
		if _, err := chromedp.Call(e.ctx, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: base}); err != nil {
			return fmt.Errorf("cookie: %w", err)
		}
	}
	return nil
}

// paint opens an address and gives the milliseconds from the navigation to the
// first contentful paint, as the browser itself measures them.
func (e *eye) paint(address string) (float64, error) {
	ctx, cancel := context.WithTimeout(e.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return 0, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[float64](`new Promise(done => {
		const look = () => {
			const p = performance.getEntriesByName("first-contentful-paint")[0];
			p ? done(p.startTime) : setTimeout(look, 5);
		};
		look();
	})`, chromedp.EvalAwaitPromise))
}
