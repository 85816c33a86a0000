package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// process is a child that will be killed.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // of the stream that is listened to; closed at its end
	tail  *tail       // of the other one
	done  chan struct{}
	err   error
}

// tail keeps the last of what a process says.
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
	return string(bytes.TrimSpace(t.b))
}

// launch starts a program and reads its stdout (or stderr) line by line.
func launch(stderr bool, name string, args ...string) (*process, error) {
	return start(exec.Command(name, args...), stderr)
}

func start(cmd *exec.Cmd, stderr bool) (*process, error) {
	p := &process{cmd: cmd, lines: make(chan string, 4096), tail: &tail{}, done: make(chan struct{})}
	var out io.ReadCloser
	var err error
	if stderr {
		p.cmd.Stdout = p.tail
		out, err = p.cmd.StderrPipe()
	} else {
		p.cmd.Stderr = p.tail
		out, err = p.cmd.StdoutPipe()
	}
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			if stderr {
				_, _ = p.tail.Write(append(bytes.Clone(s.Bytes()), '\n'))
			}
			p.lines <- s.Text()
		}
		close(p.lines)
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// kill is kill -9. It gives the lines that were not read yet.
func (p *process) kill() []string {
	_ = p.cmd.Process.Kill()
	var rest []string
	for line := range p.lines {
		rest = append(rest, line)
	}
	<-p.done
	return rest
}

// terminate asks the process to end and wants exit 0.
func (p *process) terminate() error {
	if err := p.cmd.Process.Signal(terminateSignal); err != nil {
		return err
	}
	for range p.lines { // until its end
	}
	<-p.done
	if p.err != nil {
		return fmt.Errorf("%w: %s", p.err, p.tail)
	}
	return nil
}

// await reads lines until one matches.
func (p *process) await(ctx context.Context, re *regexp.Regexp) ([]string, error) {
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				<-p.done
				return nil, fmt.Errorf("ended (%w): %s", errors.Join(errEnded, p.err), p.tail)
			}
			if m := re.FindStringSubmatch(line); m != nil {
				return m, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("no line like %s: %w: %s", re, ctx.Err(), p.tail)
		}
	}
}

var errEnded = errors.New("the process ended by itself")

// server is the real server, serving.
type server struct {
	*process
	url   string
	ready time.Duration // from its start until it says that it is ready
}

var listening = regexp.MustCompile(`msg=listening .*url=(http://[0-9.:]+)`)

// patience is how long a start may take before it counts as failed.
const patience = 30 * time.Second

// serve starts the server on a data folder and waits until it is ready.
func (b *bench) serve(ctx context.Context, data string) (*server, error) {
	started := time.Now()
	p, err := b.startServer(data)
	if err != nil {
		return nil, err
	}
	s, err := waitReady(ctx, p, started)
	if err != nil {
		p.kill()
		return nil, err
	}
	return s, nil
}

func (b *bench) startServer(data string) (*process, error) {
	return launch(true, b.server, "serve", "-data", data, "-listen", "127.0.0.1:0", "-s3.listen", "127.0.0.1:0", "-bootstrap.centre", centreName)
}

func waitReady(ctx context.Context, p *process, started time.Time) (*server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := p.await(ctx, listening)
	if err != nil {
		return nil, err
	}
	go func() { // its log is not needed any more, and must not fill the pipe
		for range p.lines {
		}
	}()
	s := &server{process: p, url: m[1]}
	for {
		status, _, err := call(ctx, http.MethodGet, s.url+"/readyz", "", nil, "")
		if err == nil && status == http.StatusOK {
			s.ready = time.Since(started)
			return s, nil
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("ended (%w): %s", errors.Join(errEnded, p.err), p.tail)
		case <-ctx.Done():
			return nil, fmt.Errorf("not ready (%d): %w: %s", status, ctx.Err(), p.tail)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// run calls a program to its end and gives its stdout.
func run(ctx context.Context, name string, args ...string) (string, error) {
	return output(exec.CommandContext(ctx, name, args...))
}

func output(cmd *exec.Cmd) (string, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s%s", strings.Join(cmd.Args[1:], " "), err, out.String(), errs.String())
	}
	return out.String(), nil
}
