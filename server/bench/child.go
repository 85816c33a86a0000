package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"siteledger/server/app"
	"siteledger/server/config"
)

// serverWord as the first argument makes this program the server that is
// measured.
const serverWord = "measured-server"

// childProgram is what this program can be besides itself; nil for a word that
// is none of them.
func childProgram(word string) func(ctx context.Context, in io.Reader, out io.Writer) error {
	switch word {
	case serverWord:
		return serverChild
	case phoneWord:
		return phoneChild
	case streamsWord:
		return streamsChild
	}
	return nil
}

// serverSpec is what the server's process is told on its first line.
type serverSpec struct {
	Data       string
	Database   string // a PostgreSQL database; empty: SQLite in the data folder
	StreamsPer int    // open event streams of a device; 0: the default
}

func (s serverSpec) config() config.Config {
	cfg := config.Default()
	cfg.Data, cfg.Listen, cfg.S3.Listen, cfg.Log.Level = s.Data, "127.0.0.1:0", "127.0.0.1:0", slog.LevelWarn
	cfg.Database.URL = s.Database
	if s.StreamsPer > 0 {
		cfg.Limits.StreamsPer = s.StreamsPer
	}
	return cfg
}

// serverChild is the real server. Its lines: "ready URL", then "ok" for each
// command ("profile FILE", "profile-end"). It drains when its input ends.
func serverChild(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var spec serverSpec
	if err := json.Unmarshal(first, &spec); err != nil {
		return err
	}
	cfg := spec.config()
	a, err := app.New(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Log.Level})), "bench")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	fmt.Fprintf(out, "ready %s\n", a.URL())
	told := make(chan error, 1)
	go func() {
		defer stop()
		told <- obey(lines, out)
	}()
	err = a.Run(ctx)
	select {
	case e := <-told:
		err = errors.Join(err, e)
	default: // ended by a signal
	}
	return errors.Join(err, a.Close())
}

// obey does what the lines say until they end.
func obey(lines *bufio.Reader, out io.Writer) error {
	var p profiler
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		verb, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		if known, err := p.obey(verb, arg); err != nil || !known {
			return errors.Join(err, fmt.Errorf("cannot do %q", verb))
		}
		fmt.Fprintln(out, "ok")
	}
}

// profiler writes CPU profiles of this process.
type profiler struct{ file *os.File }

// obey says whether the word was one of its own.
func (p *profiler) obey(verb, arg string) (known bool, err error) {
	switch verb {
	case "profile":
		if p.file, err = os.Create(arg); err == nil {
			err = pprof.StartCPUProfile(p.file)
		}
	case "profile-end":
		pprof.StopCPUProfile()
		err = errors.Join(p.file.Close(), heapProfile(p.file.Name()+".heap"))
	default:
		return false, nil
	}
	return true, err
}

// heapProfile writes what was allocated, and what is in use.
func heapProfile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

// process is a child of this program.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	tail tail
	once sync.Once
	err  error
}

// tail keeps the last of what a process complains of.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-4000):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}

// launch starts this program as one of its children and tells it its task.
func launch(word string, task any) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(exe, word)}
	p.cmd.Stderr = &p.tail
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	first, err := json.Marshal(task)
	if err == nil {
		_, err = p.in.Write(append(first, '\n'))
	}
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// hear reads the next line and wants it to begin with a word.
func (p *process) hear(word string) (string, error) {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the process ended: %w: %s", errors.Join(err, p.end()), p.tail.String())
	}
	got, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if got != word {
		return "", fmt.Errorf("the process said %q, not %s", strings.TrimSpace(line), word)
	}
	return rest, nil
}

// tell gives an order and waits until it is done.
func (p *process) tell(format string, args ...any) error {
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		return err
	}
	_, err := p.hear("ok")
	return err
}

// endTime is how long a process may take to end by itself.
const endTime = 20 * time.Second

// end closes the process's input and waits until it has gone.
func (p *process) end() error {
	p.once.Do(func() {
		_ = p.in.Close()
		timer := time.AfterFunc(endTime, func() { _ = p.cmd.Process.Kill() })
		defer timer.Stop()
		_, _ = io.Copy(io.Discard, p.out)
		if err := p.cmd.Wait(); err != nil {
			p.err = fmt.Errorf("%w: %s", err, p.tail.String())
		}
	})
	return p.err
}

// server is a running server of a row.
type server struct {
	*process
	b       *bench
	url     string
	cpu     float64 // at begin
	profile bool
}

// serve starts the server on a data folder.
func (b *bench) serve(spec serverSpec) (*server, error) {
	p, err := launch(serverWord, spec)
	if err != nil {
		return nil, err
	}
	url, err := p.hear("ready")
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	return &server{process: p, b: b, url: url}, nil
}

// profilePath is where a measured part's profile goes.
func (b *bench) profilePath(name string) (string, error) {
	return filepath.Abs(filepath.Join(b.profile, name+".pprof"))
}

// used is what a server used between begin and measured.
type used struct {
	cpu  float64 // seconds
	peak float64 // bytes resident
	file float64 // bytes of them that are the program's file, at the end
}

// begin starts the books of the measured part.
func (s *server) begin(name string) (err error) {
	if s.b.profile != "" {
		path, err := s.b.profilePath(name)
		if err != nil {
			return err
		}
		if err := s.tell("profile %s", path); err != nil {
			return err
		}
		s.profile = true
	}
	if err := forgetPeak(s.pid()); err != nil {
		return err
	}
	s.cpu, err = cpuSeconds(s.pid())
	return err
}

// measured reads the books and notes the peak for the row `memory`.
func (s *server) measured() (u used, err error) {
	cpu, err := cpuSeconds(s.pid())
	if err != nil {
		return u, err
	}
	u.cpu = cpu - s.cpu
	if u.peak, err = memoryPeak(s.pid()); err != nil {
		return u, err
	}
	if u.file, err = statusKB(s.pid(), "RssFile"); err != nil {
		return u, err
	}
	s.b.peakOf("server", u.peak)
	if s.profile {
		s.profile = false
		err = s.tell("profile-end")
	}
	return u, err
}
