package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	clientsdk "siteledger/client-sdk"
)

// phone enrols a real phone at the installation. It finds the server by an
// address that the transport resolves.
func (h *house) phone(ctx context.Context, net http.RoundTripper) (*clientsdk.Client, error) {
	code, err := h.code(ctx)
	if err != nil {
		return nil, err
	}
	c, err := clientsdk.Open(clientsdk.Config{Dir: h.b.folder("phone"), Server: phoneServer, HTTP: &http.Client{Transport: net},
		Backoff: clientsdk.Backoff{Min: 50 * time.Millisecond, Max: time.Second}})
	if err != nil {
		return nil, err
	}
	h.later(func() { _ = c.Close() })
	err = c.Enrol(ctx, code)
	if err == nil {
		_, err = c.Sync(ctx)
	}
	return c, err
}

// phoneServer is where phones believe the server to be.
const phoneServer = "http://server.drill"

// code makes a technician and an enrolment code for him.
func (h *house) code(ctx context.Context) (string, error) {
	out, err := output(h.command(ctx, "user", "add", "-name", "王师傅", "-role", "installer", "-centre", h.b.centre.String(), "-data", h.data))
	if err != nil {
		return "", err
	}
	person := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(out), "person:"))
	out, err = output(h.command(ctx, "device", "code", "-person", person, "-data", h.data))
	return strings.TrimSpace(out), err
}

// route brings a phone's requests to wherever the server is now; those to the
// photo storage go where they want.
type route struct {
	next http.RoundTripper
	host func() (string, error)
}

// RoundTrip implements [http.RoundTripper].
func (r *route) RoundTrip(req *http.Request) (*http.Response, error) {
	if "http://"+req.URL.Host != phoneServer {
		return r.next.RoundTrip(req)
	}
	host, err := r.host()
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.URL.Host, req.Host = host, host
	return r.next.RoundTrip(req)
}

func hostOf(url string) string { return strings.TrimPrefix(url, "http://") }

// drained syncs a phone until nothing waits on it.
func drained(ctx context.Context, c *clientsdk.Client) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, err := c.Sync(ctx)
		st, failed := c.Status(ctx)
		if failed != nil {
			return failed
		}
		if err == nil && st.Pending == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d changes wait: %w", st.Pending, errors.Join(err, ctx.Err()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
