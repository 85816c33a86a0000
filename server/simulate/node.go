package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"siteledger/server/api"
	"siteledger/server/app"
	"siteledger/server/blob"
	"siteledger/server/blob/embedded"
	"siteledger/server/config"
	"siteledger/server/office"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Where the two ends of the server are on the simulated network.
const (
	appURL     = "http://app.sim"
	storageURL = "http://storage.sim"

	pathPush   = syncproto.PathPush
	pathPull   = syncproto.PathPull
	pathToken  = syncproto.PathToken
	pathPlan   = syncproto.PathBlobPlan
	pathCommit = syncproto.PathBlobCommit
)

const (
	storageUser   = "simulated"
	storageSecret = "simulated-storage-secret"
	bucket        = "photos"
)

// node is the server: its handlers called as functions, its files in a folder.
type node struct {
	dir     string             // data folder of the present life
	schema  *schema.Descriptor // that its build knows
	lives   int
	core    *app.Core
	api     *api.Server
	bench   *office.Bench
	storage *embedded.Server
	now     func() time.Time
	ids     *ids

	// storageCall passes or breaks a request of the server to the storage.
	storageCall func(r *http.Request, serve func(*http.Request) *http.Response) (*http.Response, error)
}

func (n *node) newID() uuid.UUID { return n.ids.must() }

// open starts the server on its present folder.
func (n *node) open(ctx context.Context) error {
	cfg := config.Default()
	cfg.Data = n.dir
	log := slog.New(slog.DiscardHandler)
	var err error
	if n.core, err = app.OpenCoreIn(ctx, cfg, log, n.nature()); err != nil {
		return err
	}
	c := n.core
	if err := c.Upgrade(ctx); err != nil { // as each start does
		return err
	}
	if _, err := c.Headquarters(ctx); err != nil {
		return err
	}
	if n.storage == nil {
		n.storage, err = embedded.New(embedded.Config{Dir: filepath.Join(filepath.Dir(n.dir), "storage"), AccessKey: storageUser, SecretKey: storageSecret, Bucket: bucket})
		if err != nil {
			return err
		}
	}
	blobs, err := blob.New(blob.Config{Endpoint: storageURL, AccessKey: storageUser, SecretKey: storageSecret, Bucket: bucket, Transport: trip(n.toStorage)},
		blob.Deps{Uploads: c.Store, Stale: c.Store, Catalogue: c.Store, Audience: c.Store, Journal: c.Ledger, Signer: c.Keys,
			History: c.History, Now: n.now, NewID: n.ids.next, Log: log})
	if err != nil {
		return err
	}
	limits := api.DefaultLimits()
	limits.BodyGrace, limits.WriteTimeout = 0, 0 // the real clock's
	n.api, err = api.New(api.Config{Auth: c.Auth, Pusher: c.Ledger, Puller: c.Feed, Blobs: blobs, History: c.History, Schema: c.Schema, Version: "simulated",
		Metrics: prometheus.NewRegistry(), Limits: limits, Now: n.now, NewID: n.ids.next, Log: log})
	n.bench = office.NewBench(c.Ledger, c.Store, c.Schema, n.now, n.newID)
	return err
}

// crash ends the server as a kill does: what its files hold at this moment is
// all that the next life has; with cut, what a power cut leaves of it.
func (n *node) crash(ctx context.Context, cut func(from, to string) error) error {
	n.lives++
	next := filepath.Join(filepath.Dir(n.dir), fmt.Sprintf("server-%d", n.lives))
	if err := copyTree(n.dir, next); err != nil {
		return err
	}
	if cut != nil {
		if err := cut(n.dir, next); err != nil {
			return err
		}
	}
	if err := n.close(); err != nil {
		return err
	}
	if err := os.RemoveAll(n.dir); err != nil {
		return err
	}
	n.dir = next
	return n.open(ctx)
}

func (n *node) close() error { return errors.Join(n.api.Close(), n.core.Close()) }

// full makes the database's file unable to grow, or lets it grow again.
func (n *node) full(ctx context.Context, yes bool) error {
	return n.core.Store.Update(ctx, func(tx *sql.Tx) error {
		pages := int64(1) << 30
		if yes {
			if err := tx.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
				return err
			}
		}
		var now int64
		return tx.QueryRowContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&now)
	})
}

// trip is a network that is a function.
type trip func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (t trip) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func (n *node) toStorage(r *http.Request) (*http.Response, error) {
	return n.storageCall(r, n.serveStorage)
}

func (n *node) serveStorage(r *http.Request) *http.Response { return serve(n.storage, r, time.Now()) }

// beforePacking says whether the server's present life is a build that knows
// nothing of packed pushes: each third one, so that it is put back to that and
// comes forward again.
func (n *node) beforePacking() bool { return n.lives%3 == 2 }

func (n *node) serveAPI(r *http.Request) *http.Response { return serve(n.api, r, n.now()) }

// serve calls a handler as a server would and gives its whole answer.
func serve(h http.Handler, r *http.Request, at time.Time) *http.Response {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.1:1", r.URL.Host
	if r.Host != "" {
		in.Host = r.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	w.header.Set("Date", at.UTC().Format(http.TimeFormat))
	h.ServeHTTP(w, in)
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header,
		Body: io.NopCloser(bytes.NewReader(w.body.Bytes())), ContentLength: int64(w.body.Len()), Request: r}
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.wrote = true
	return w.body.Write(b)
}

func (w *recorder) Flush() { w.wrote = true }

// copyTree copies a folder's files as they are now.
func copyTree(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == from {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if strings.HasSuffix(rel, "-shm") {
			return nil // the next life makes it anew
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
}
