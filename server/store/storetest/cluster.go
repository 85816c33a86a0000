// Package storetest gives tests their stores: a SQLite file, and a database of
// a throw-away PostgreSQL cluster that lives as long as the test binary.
//
// It is for tests alone. A test that needs storage runs on both engines by
// [Each]; PostgreSQL's programs are needed for that and a test without them
// fails, naming the Debian package. Nothing of it outlives the process: the
// cluster's folder is removed by the test that started it or, where a test
// binary was killed, by the operating system's own cleaning of temporary files.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Package is what Debian installs PostgreSQL's programs with.
const Package = "postgresql"

// Programs is the folder of initdb and postgres, the newest version's.
func Programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(found[len(found)-1]), nil
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errors.New("PostgreSQL is missing; on Debian, as root: apt-get install --no-install-recommends " + Package)
}

func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// Server is a running PostgreSQL server of one test.
type Server struct {
	Dir  string // data in Dir/data, socket in Dir
	cmd  *exec.Cmd
	out  bytes.Buffer
	bin  string
	args []string
	done chan error

	leash io.Closer // open as long as the folder is needed
}

// StartServer makes a cluster in dir, which must be empty, and starts it with
// settings such as "fsync=off". It listens on a socket in dir only.
func StartServer(ctx context.Context, dir string, settings ...string) (*Server, error) {
	s, err := NewServer(dir, settings...)
	if err != nil {
		return nil, err
	}
	if err := s.run(ctx, "initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"); err != nil {
		return nil, err
	}
	return s, s.Start(ctx)
}

// NewServer describes a server over dir/data without making or starting it.
func NewServer(dir string, settings ...string) (*Server, error) {
	bin, err := Programs()
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, bin: bin}
	s.args = []string{"-D", s.data(), "-k", dir, "-c", "listen_addresses=", "-c", "logging_collector=off"}
	for _, x := range settings {
		s.args = append(s.args, "-c", x)
	}
	return s, s.give(dir)
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// URL is the address of one of its databases.
func (s *Server) URL(database string) string {
	return "postgres://postgres@/" + database + "?host=" + s.Dir
}

// give lets PostgreSQL's user have a folder: the server refuses to run as root.
func (s *Server) give(dir string) error {
	c, err := credential()
	if err != nil || c == nil {
		return err
	}
	return os.Chown(dir, int(c.Uid), int(c.Gid))
}

// credential is the user postgres where the test runs as root.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w; the package %s makes it", err, Package)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// Command is one of PostgreSQL's programs, run as its user.
func (s *Server) Command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	c, err := credential()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.Dir
	cmd.Env = []string{"PATH=" + s.bin + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c, Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

func (s *Server) run(ctx context.Context, name string, args ...string) error {
	cmd, err := s.Command(ctx, name, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// Start runs the server and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	cmd, err := s.Command(context.Background(), "postgres", s.args...)
	if err != nil {
		return err
	}
	s.out.Reset()
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	// The kernel's death signal comes at the end of the thread that started
	// the server, which is one that lives as long as the process.
	started := make(chan error, 1)
	s.done = make(chan error, 1)
	go start(cmd, started, s.done)
	if err := <-started; err != nil {
		return err
	}
	s.cmd = cmd
	return s.ready(ctx)
}

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case dead := <-s.done:
			return fmt.Errorf("postgres ended: %w\n%s", dead, s.out.String())
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Signal sends the server a signal: SIGINT ends it at once with its work
// saved, SIGKILL as a crash does, SIGSTOP stalls it.
func (s *Server) Signal(sig syscall.Signal) error { return s.cmd.Process.Signal(sig) }

// Wait waits for the end of the server.
func (s *Server) Wait() {
	if s.cmd != nil {
		<-s.done
		s.cmd = nil
	}
}

// Stop ends the server without saving.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.Signal(syscall.SIGQUIT)
	s.Wait()
}
