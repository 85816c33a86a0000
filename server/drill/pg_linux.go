package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"siteledger/server/auth"
	"siteledger/server/blob/embedded"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
)

// pgDatabase is the database of an installation.
const pgDatabase = "siteledger"

// pgParts are the drills on PostgreSQL.
func (b *bench) pgParts() []part {
	return []part{
		{name: "pg failover, synchronous standby", times: 4, run: b.pgFailover},
		{name: "pg failover, control: asynchronous", times: 3, run: b.pgFailoverControl},
		{name: "pg connections cut", times: 120, run: b.pgCuts},
		{name: "pg kill -9, one of two servers", times: 20, run: b.pgKills},
		{name: "pg rolling restart of three servers", times: 2, run: b.pgRolling},
		{name: "pg leases: the server that ships is killed, stopped", times: 2, run: b.pgLeases},
		{name: "photo storage down, slow, failing, cut, lying", times: 2, run: b.storageFaults},
		{name: "pg full disk", times: 4, fuse: true, run: b.pgFull},
		{name: "pg full disk of its log", times: 2, fuse: true, run: b.pgLogFull},
		{name: "pg damaged page", times: 2, run: b.pgDamage},
		{name: "pg point in time", times: 2, run: b.pgPointInTime},
	}
}

// house is an installation on PostgreSQL: a cluster that holds the bench's
// centre and devices, a photo storage that all servers share, and any number
// of real servers with the same keys.
type house struct {
	b       *bench
	dir     string // PostgreSQL's user can reach it
	pg      *storetest.Server
	url     string // the database, as servers are told
	data    string // a folder with the keys; servers have copies
	photos  string // folder of the storage's bucket
	storage *http.Server
	door    net.Listener // of the storage
	secret  string
	front   func(http.Handler) http.Handler // before the storage; nil for nothing

	mu    sync.Mutex
	ended []func()
}

const (
	bucketName = "siteledger"
	bucketKey  = "drill"
)

// newHouse makes one. settings are PostgreSQL's.
func (b *bench) newHouse(ctx context.Context, front func(http.Handler) http.Handler, settings ...string) (h *house, err error) {
	dir, err := os.MkdirTemp("", "sl-pg-") // short: a socket's path has at most 107 bytes
	if err != nil {
		return nil, err
	}
	h = &house{b: b, dir: dir, front: front}
	h.later(func() { _ = os.RemoveAll(dir) })
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	base, err := b.pgBase(ctx)
	if err != nil {
		return nil, err
	}
	if h.pg, err = h.cluster(ctx, "a", filepath.Join(base, "data"), settings...); err != nil {
		return nil, err
	}
	h.url = h.pg.URL(pgDatabase)
	if h.data, err = b.copyOf(b.serverData, "pg"); err != nil {
		return nil, err
	}
	return h, h.openStorage()
}

// pgBase is a stopped cluster with the bench's centre and devices, moved there
// by the product's own command. It is made when the first part asks.
func (b *bench) pgBase(ctx context.Context) (dir string, err error) {
	b.base.Lock()
	defer b.base.Unlock()
	if b.pgFolder != "" {
		return b.pgFolder, nil
	}
	if dir, err = os.MkdirTemp("", "sl-pg-"); err != nil {
		return "", err
	}
	b.ended = append(b.ended, func() { _ = os.RemoveAll(dir) })
	s, err := storetest.StartServer(ctx, dir, pgSettings()...)
	if err != nil {
		return "", err
	}
	defer s.Stop() // after it was asked to end, below
	h := &house{pg: s, url: s.URL(pgDatabase)}
	if err := h.ask(ctx, s, "postgres", "CREATE DATABASE "+pgDatabase); err != nil {
		return "", err
	}
	data, err := b.copyOf(b.serverData, "pg")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, b.server, "migrate-store", "-data", data)
	cmd.Env = append(os.Environ(), "SITELEDGER_DATABASE="+h.url)
	if _, err := output(cmd); err != nil {
		return "", err
	}
	if err := s.Signal(syscall.SIGINT); err != nil {
		return "", err
	}
	s.Wait()
	b.pgFolder = dir
	return dir, nil
}

// pgSettings spare the machine: what is killed here are processes, and the
// operating system keeps what they wrote. Power cuts are PostgreSQL's own
// promise.
func pgSettings() []string {
	return []string{"fsync=off", "shared_buffers=32MB", "max_connections=120", "autovacuum=off"}
}

// cluster starts a PostgreSQL server on a copy of a data folder.
func (h *house) cluster(ctx context.Context, name, from string, settings ...string) (*storetest.Server, error) {
	dir := filepath.Join(h.dir, name)
	s, err := h.describe(dir, settings...)
	if err != nil {
		return nil, err
	}
	if _, err := output(exec.CommandContext(ctx, "cp", "-a", from, filepath.Join(dir, "data"))); err != nil {
		return nil, err
	}
	return s, h.start(ctx, s)
}

func (h *house) describe(dir string, settings ...string) (*storetest.Server, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	return storetest.NewServer(dir, append(pgSettings(), settings...)...)
}

func (h *house) start(ctx context.Context, s *storetest.Server) error {
	h.later(s.Stop)
	return s.Start(ctx)
}

// later remembers what ends with the house; the last is ended first.
func (h *house) later(end func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, end)
}

func (h *house) close() {
	for i := len(h.ended) - 1; i >= 0; i-- {
		h.ended[i]()
	}
	h.ended = nil
}

// openStorage starts the photo storage in this process.
func (h *house) openStorage() error {
	h.secret = filepath.Join(h.data, "bucket.secret")
	const secret = "a-secret-of-the-drill"
	if err := os.WriteFile(h.secret, []byte(secret+"\n"), 0o600); err != nil {
		return err
	}
	root := h.b.folder("bucket")
	h.photos = filepath.Join(root, bucketName)
	own, err := embedded.New(embedded.Config{Dir: root, AccessKey: bucketKey, SecretKey: secret, Region: embedded.DefaultRegion, Bucket: bucketName, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if h.door, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return errors.Join(err, own.Close())
	}
	var handler http.Handler = own
	if h.front != nil {
		handler = h.front(own)
	}
	h.storage = &http.Server{Handler: handler, ReadHeaderTimeout: patience}
	go func() { _ = h.storage.Serve(h.door) }()
	h.later(func() { _ = errors.Join(h.storage.Close(), own.Close()) })
	return nil
}

// environ is a server's settings.
func (h *house) environ(url string) []string {
	return append(os.Environ(), "SITELEDGER_DATABASE="+url, "SITELEDGER_S3_ENDPOINT=http://"+h.door.Addr().String(), "SITELEDGER_S3_BUCKET="+bucketName,
		"SITELEDGER_S3_REGION="+embedded.DefaultRegion, "SITELEDGER_S3_ACCESS_KEY="+bucketKey, "SITELEDGER_S3_SECRET_KEY_FILE="+h.secret)
}

// command is one of the product's own, on this installation.
func (h *house) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.b.server, args...)
	cmd.Env = h.environ(h.url)
	return cmd
}

// serve starts a real server on the installation. It is killed with the house.
func (h *house) serve(ctx context.Context, set ...string) (*server, error) {
	started := time.Now()
	cmd := exec.Command(h.b.server, "serve", "-data", h.data, "-listen", "127.0.0.1:0")
	cmd.Env = append(h.environ(h.url), set...)
	p, err := start(cmd, true)
	if err != nil {
		return nil, err
	}
	s, err := waitReady(ctx, p, started)
	if err != nil {
		p.kill()
		return nil, err
	}
	h.later(func() { s.kill() })
	return s, nil
}

// ask runs one statement.
func (h *house) ask(ctx context.Context, pg *storetest.Server, database, text string, args ...any) error {
	c, err := pgx.Connect(ctx, pg.URL(database))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, text, args...)
	return err
}

// look reads one value.
func look[T any](ctx context.Context, pg *storetest.Server, text string, args ...any) (v T, err error) {
	c, err := pgx.Connect(ctx, pg.URL(pgDatabase))
	if err != nil {
		return v, err
	}
	defer c.Close(ctx)
	err = c.QueryRow(ctx, text, args...).Scan(&v)
	return v, err
}

// await asks until the answer is the wanted one.
func await[T comparable](ctx context.Context, pg *storetest.Server, want T, text string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		got, err := look[T](ctx, pg, text, args...)
		if err == nil && got == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%q is %v, not %v (%w)", text, got, want, errors.Join(err, ctx.Err()))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// check proves that the database holds all that the devices were told, once,
// and that it still folds to the same state.
func (h *house) check(ctx context.Context, logs []*device, t *tally) (err error) {
	o, err := h.open(ctx)
	if err != nil {
		t.find("the store does not open: %v", err)
		return nil
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	chains, err := o.chains(ctx, t)
	if err != nil {
		t.find("the ledger cannot be read: %v", err)
		return nil
	}
	for _, d := range logs {
		have := chains[logKey{d.id, d.epoch}]
		missing(t, have, d.acked, d.heads)
		if len(have) > len(d.heads) {
			t.find("the ledger has %d changes of a log of %d", len(have)-1, len(d.log))
		}
	}
	return nil
}

func (h *house) open(ctx context.Context) (*opened, error) {
	keys, err := auth.OpenKeys(h.data, rand.Reader)
	if err != nil {
		return nil, err
	}
	o := &opened{}
	for _, k := range keys.Public() {
		o.keys = append(o.keys, ed25519.PublicKey(k.PublicKey))
	}
	o.Store, err = store.Open(ctx, store.Config{URL: h.url})
	return o, err
}

// verify runs the server's own verify on the installation.
func (h *house) verify(ctx context.Context, t *tally) {
	if _, err := output(h.command(ctx, "verify", "-json", "-all", "-rebuild", "-data", h.data)); err != nil {
		t.find("verify: %v", err)
	}
}

// crash kills PostgreSQL as the loss of its machine does: all of its processes
// at once, none of which says good-bye.
func crash(pg *storetest.Server, pid int) error {
	children, err := childrenOf(pid)
	if err != nil {
		return err
	}
	err = pg.Signal(syscall.SIGKILL)
	for _, c := range children {
		_ = syscall.Kill(c, syscall.SIGKILL) // gone already, perhaps
	}
	pg.Wait()
	return err
}

// postmaster is the first of a cluster's processes.
func postmaster(pg *storetest.Server) (int, error) {
	b, err := os.ReadFile(filepath.Join(pg.Dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	var pid int
	_, err = fmt.Sscan(string(b), &pid)
	return pid, err
}

func childrenOf(pid int) ([]int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err == nil {
		return numbers(string(b)), nil
	}
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	var out []int
	for _, name := range found {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // ended meanwhile
		}
		text := string(b)
		var state string
		var parent, self int
		_, _ = fmt.Sscan(text, &self)
		_, _ = fmt.Sscan(text[strings.LastIndexByte(text, ')')+1:], &state, &parent)
		if parent == pid {
			out = append(out, self)
		}
	}
	return out, err
}

func numbers(text string) []int {
	var out []int
	for _, f := range strings.Fields(text) {
		var n int
		if _, err := fmt.Sscan(f, &n); err == nil {
			out = append(out, n)
		}
	}
	return out
}
