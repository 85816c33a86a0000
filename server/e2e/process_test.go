package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"siteledger/server/store/storetest"
)

// workshop holds the programs that the tests run, each built when the first
// test asks for it.
type workshop struct {
	dir  string
	once map[string]*sync.Once
	errs map[string]error
	mu   sync.Mutex
}

// bench is the one workshop of this test program.
var bench = &workshop{once: map[string]*sync.Once{}, errs: map[string]error{}}

// ofOneEngine are tests that choose their databases themselves, that look into
// SQLite's file, in which the database plays no part, or that are a browser's.
const ofOneEngine = "^Test(" +
	"MovingHouse|ServerConforms|PhoneConforms|KitNotices.*|Processes|DamagedDatabaseHalts|.*Restore.*|" +
	"Arrows|Modules|ProgramsAreApart|Source|PackageDocs|Documents.*|Readme.*|Pictures|Alerts|ComposeFile|SystemdUnit|Logs.*|" +
	".*Browser|.*Painted.*|.*ByKeyboard|DecidedConflictLeavesTheScreen|" +
	"BadInput|SlowStorage|BacklogOverABadLine|PhoneKilledAtEachPart|PreviewIsThereAfter40KB|TLS|MetricsDoors)"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "siteledger-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bench.dir = dir
	code := storetest.RunBut(m, ofOneEngine)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// program builds one of this module's programs, once, and gives its path.
func program(tb testing.TB, pkg string) string {
	tb.Helper()
	bench.mu.Lock()
	once := bench.once[pkg]
	if once == nil {
		once = &sync.Once{}
		bench.once[pkg] = once
	}
	bench.mu.Unlock()
	path := filepath.Join(bench.dir, strings.ReplaceAll(pkg, "/", "-"))
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	once.Do(func() {
		cmd := exec.Command("go", "build", "-o", path, "./"+pkg)
		cmd.Dir = root(tb)
		if out, err := cmd.CombinedOutput(); err != nil {
			bench.errs[pkg] = fmt.Errorf("build %s: %w\n%s", pkg, err, out)
		}
	})
	if err := bench.errs[pkg]; err != nil {
		tb.Fatal(err)
	}
	return path
}

// process is a program that runs.
type process struct {
	tb   testing.TB
	cmd  *exec.Cmd
	out  *lines
	err  *lines
	done chan struct{}
	fail error
}

// lines collects what a process prints and lets a test wait for a line.
type lines struct {
	mu   sync.Mutex
	all  []string
	more chan struct{}
}

func (l *lines) read(r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		l.mu.Lock()
		l.all = append(l.all, s.Text())
		close(l.more)
		l.more = make(chan struct{})
		l.mu.Unlock()
	}
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// start runs a program until the test ends.
func start(tb testing.TB, pkg string, args ...string) *process {
	tb.Helper()
	p := &process{
		tb: tb, cmd: exec.Command(program(tb, pkg), args...), done: make(chan struct{}),
		out: &lines{more: make(chan struct{})}, err: &lines{more: make(chan struct{})},
	}
	p.cmd.Dir = tb.TempDir() // no file beside it is read by accident
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { p.out.read(stdout) })
	reading.Go(func() { p.err.read(stderr) })
	go func() {
		reading.Wait()
		p.fail = p.cmd.Wait()
		close(p.done)
	}()
	tb.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if tb.Failed() {
			tb.Logf("%s said:\n%s", pkg, p.err.text())
		}
	})
	return p
}

// await gives the first line that a pattern matches, and its groups.
func (p *process) await(l *lines, pattern string) []string {
	p.tb.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(90 * time.Second)
	for seen := 0; ; {
		l.mu.Lock()
		fresh, more := l.all[seen:], l.more
		seen = len(l.all)
		l.mu.Unlock()
		for _, line := range fresh {
			if m := re.FindStringSubmatch(line); m != nil {
				return m
			}
		}
		select {
		case <-more:
		case <-p.done:
			p.tb.Fatalf("%v ended (%v) without a line like %s:\n%s", p.cmd.Args, p.fail, pattern, p.err.text())
		case <-deadline:
			p.tb.Fatalf("%v printed no line like %s:\n%s", p.cmd.Args, pattern, p.err.text())
		}
	}
}

// kill is kill -9: the process gets no chance to write anything more.
func (p *process) kill() {
	p.tb.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.tb.Fatal(err)
	}
	<-p.done
}

// stop asks the process to end, as systems do, and wants exit 0.
func (p *process) stop() {
	p.tb.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.tb.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.tb.Fatalf("%v did not end within 30 s of SIGTERM", p.cmd.Args)
	}
	if p.fail != nil {
		p.tb.Fatalf("%v: %v\n%s", p.cmd.Args, p.fail, p.err.text())
	}
}

// call runs a program to its end and gives its output and exit code.
func call(tb testing.TB, pkg string, args ...string) (stdout string, code int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(tb, pkg), args...)
	cmd.Dir = tb.TempDir()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		tb.Fatalf("%s %v: %v", pkg, args, err)
	}
	if cmd.ProcessState.ExitCode() != 0 {
		tb.Logf("%s %v: exit %d\n%s", pkg, args, cmd.ProcessState.ExitCode(), errs.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// demoInfo is the first line of the demo's -json.
type demoInfo struct {
	Server, Centre, Headquarters, Phone, Console, Data string
	Accounts                                           []struct{ Role, User, Password string }
	EnrolmentCode                                      string `json:"enrolment_code"`
	Person                                             string
	PersonName                                         string `json:"person_name"`
}

// startDemo runs the demo on a data folder ("" for its own) and waits until it
// is ready.
func startDemo(tb testing.TB, data string) (*process, demoInfo) {
	tb.Helper()
	args := []string{"-json"}
	if data != "" {
		args = append(args, "-data", data)
	}
	p := start(tb, "server/demo", args...)
	line := p.await(p.out, `^\{.*\}$`)[0]
	var info demoInfo
	if err := json.Unmarshal([]byte(line), &info); err != nil {
		tb.Fatal(err)
	}
	return p, info
}

// visitor is a browser without scripts: it keeps cookies and follows links.
type visitor struct {
	tb   testing.TB
	http *http.Client
	base string
}

func newVisitor(tb testing.TB, first string) *visitor {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	u, err := url.Parse(first)
	if err != nil {
		tb.Fatal(err)
	}
	v := &visitor{tb: tb, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}, base: u.Scheme + "://" + u.Host}
	v.get(u.RequestURI()).is(http.StatusOK)
	return v
}

// page is what a visitor sees.
type page struct {
	tb     testing.TB
	path   string // where it ended after redirects
	status int
	body   string
}

func (v *visitor) do(req *http.Request) page {
	v.tb.Helper()
	res, err := v.http.Do(req)
	if err != nil {
		v.tb.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.tb.Fatal(err)
	}
	return page{v.tb, res.Request.URL.Path, res.StatusCode, string(b)}
}

func (v *visitor) get(path string) page {
	v.tb.Helper()
	req, err := http.NewRequest(http.MethodGet, v.base+path, nil)
	if err != nil {
		v.tb.Fatal(err)
	}
	return v.do(req)
}

// is wants a status.
func (p page) is(status int) page {
	p.tb.Helper()
	if p.status != status {
		p.tb.Fatalf("%s: status %d, want %d\n%s", p.path, p.status, status, p.body)
	}
	return p
}

// says wants words on the page.
func (p page) says(words ...string) page {
	p.tb.Helper()
	for _, w := range words {
		if !strings.Contains(p.body, w) {
			p.tb.Fatalf("%s does not say %q:\n%s", p.path, w, p.body)
		}
	}
	return p
}

// find gives the first group of a pattern on the page.
func (p page) find(pattern string) string {
	p.tb.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(p.body)
	if m == nil {
		p.tb.Fatalf("%s has nothing like %s:\n%s", p.path, pattern, p.body)
	}
	return m[len(m)-1]
}
