package storetest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"siteledger/server/store"
)

// Engine is what a store stands on. Each Config is another, empty store.
type Engine struct {
	Name   string
	Config func(tb testing.TB) store.Config
}

// EngineVariable in the environment names the one engine that tests run on,
// where what they look for does not depend on it: sqlite or postgres.
const EngineVariable = "STORETEST_ENGINE"

// Engines are both of them, or the one that the environment names.
func Engines() []Engine {
	both := []Engine{{"sqlite", SQLite}, {"postgres", Postgres}}
	for i, e := range both {
		if os.Getenv(EngineVariable) == e.Name {
			return both[i : i+1]
		}
	}
	return both
}

// Each runs a test on both engines.
func Each(t *testing.T, run func(t *testing.T, e Engine)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(e.Name, func(t *testing.T) { run(t, e) })
	}
}

// Open opens an empty store, which is closed with the test.
func (e Engine) Open(tb testing.TB) *store.Store {
	tb.Helper()
	return Open(tb, e.Config(tb))
}

// Open opens a store, which is closed with the test.
func Open(tb testing.TB, cfg store.Config) *store.Store {
	tb.Helper()
	st, err := store.Open(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	return st
}

// Run runs a package's tests on each engine in turn, for its TestMain: what
// [New] opens is then the engine's whose turn it is.
func Run(m *testing.M) int { return RunBut(m, "") }

// RunBut is [Run] for a package of which some tests, whose names a regular
// expression matches, need no storage or are about SQLite's own file: those run
// once, on SQLite.
func RunBut(m *testing.M, once string) int {
	code := 0
	for _, e := range Engines() {
		fmt.Printf("=== on %s\n", e.Name)
		turn.Store(&e)
		if once != "" && e.Name == "postgres" {
			if err := leaveOut(once); err != nil {
				fmt.Println(err)
				return 1
			}
		}
		code = max(code, m.Run())
		if f := flag.Lookup("test.fuzz"); f != nil && f.Value.String() != "" {
			break // fuzzing is not about storage
		}
	}
	return code
}

// leaveOut adds to what -skip says.
func leaveOut(names string) error {
	if !flag.Parsed() {
		flag.Parse()
	}
	if f := flag.Lookup("test.skip"); f.Value.String() != "" {
		names = "(" + f.Value.String() + ")|(" + names + ")"
	}
	return flag.Set("test.skip", names)
}

// turn is the engine that [Run] is at.
var turn atomic.Pointer[Engine]

// Turn is the name of the engine whose turn it is.
func Turn() string {
	if e := turn.Load(); e != nil {
		return e.Name
	}
	return "sqlite"
}

// New is an empty store of the engine whose turn it is; SQLite without [Run].
func New(tb testing.TB) store.Config {
	tb.Helper()
	if e := turn.Load(); e != nil {
		return e.Config(tb)
	}
	return SQLite(tb)
}

// SQLite is a new file with an empty store's tables. What it commits is not
// written through to the disk: tests of durability open a file of their own.
func SQLite(tb testing.TB) store.Config {
	tb.Helper()
	empty, err := emptyFile()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "server.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		tb.Fatal(err)
	}
	return store.Config{Path: path, Synchronous: "OFF"}
}

// emptyFile is the file that all others of a test binary are copied from: its
// tables are made once.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "storetest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "server.db")
	st, err := store.Open(context.Background(), store.Config{Path: path, Synchronous: "OFF"})
	if err != nil {
		return nil, err
	}
	if err := st.Close(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		return nil, fmt.Errorf("%s was closed, and its WAL is still there", path)
	}
	return os.ReadFile(path)
})

// Postgres is a new database, dropped with the test. What it commits is not
// written through to the disk: tests of durability start a [Server] of their
// own.
func Postgres(tb testing.TB) store.Config {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	name := fmt.Sprintf("t%d", databases.Add(1))
	admin(tb, s, "CREATE DATABASE "+name+" TEMPLATE empty STRATEGY FILE_COPY")
	tb.Cleanup(func() { admin(tb, s, "DROP DATABASE "+name+" WITH (FORCE)") })
	return store.Config{URL: s.URL(name)}
}

// Dir is a folder that PostgreSQL's own user can reach, removed with the test.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "storetest")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

func admin(tb testing.TB, s *Server, text string) {
	tb.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, text); err != nil {
		tb.Fatal(err)
	}
}

// The one cluster of a test binary, made by the first test that needs it.
var (
	shared    = sync.OnceValues(startShared)
	databases atomic.Int64
)

// startShared starts the cluster and migrates the database that all others
// are copied from.
func startShared() (*Server, error) {
	dir, err := os.MkdirTemp(inMemory(), "storetest")
	if err != nil {
		return nil, err
	}
	leash, err := removeAtExit(dir)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	s, err := StartServer(ctx, dir, "fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "max_connections=300",
		"shared_buffers=64MB", "max_wal_size=4GB", "checkpoint_timeout=1h")
	if err != nil {
		return nil, err
	}
	s.leash = leash
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE DATABASE empty"); err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, store.Config{URL: s.URL("empty")})
	if err != nil {
		return nil, err
	}
	return s, st.Close()
}

// inMemory is a folder in memory with room for a cluster, where there is one:
// each database is several hundred files, and most of its making is theirs.
// Empty for the usual folder.
func inMemory() string {
	const folder, room = "/dev/shm", 4 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	return folder
}

// removeAtExit leaves a process behind that removes the folder as soon as
// this one has ended, however it ends: then the leash closes.
func removeAtExit(dir string) (leash io.Closer, err error) {
	cmd := exec.Command("sh", "-c", `cat; while ! rm -rf "$1"; do sleep 0.1; done`, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if leash, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return leash, cmd.Start()
}
