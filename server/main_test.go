package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// TestMain lets the test's own binary stand in for the server's: real
// processes, real signals.
func TestMain(m *testing.M) {
	if os.Getenv("SITELEDGER_TEST_MAIN") == "1" {
		main()
	}
	os.Exit(m.Run())
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// run is one call of the command line, within this process.
func run(tb testing.TB, args ...string) (code int, out, errs string) {
	tb.Helper()
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	code = program{out: &o, err: &e}.run(ctx, args)
	return code, o.String(), e.String()
}

func ok(tb testing.TB, args ...string) string {
	tb.Helper()
	code, out, errs := run(tb, args...)
	if code != 0 {
		tb.Fatalf("%q: exit %d: %s", args, code, errs)
	}
	return out
}

func field(tb testing.TB, out, name string) string {
	tb.Helper()
	for _, line := range strings.Split(out, "\n") {
		if v, found := strings.CutPrefix(line, name+": "); found {
			return v
		}
	}
	tb.Fatalf("no %q in %q", name, out)
	return ""
}

func TestBadArguments(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		args string
		code int
		word string
	}{
		{"", 2, "usage"}, {"nosuch", 2, "no command"}, {"serve extra", 2, "unexpected"}, {"serve -nosuch", 2, "nosuch"},
		{"serve -listen nonsense", 2, "listen"}, {"serve -limits.batch_changes 0", 2, "limits.batch_changes"}, {"serve -config /nowhere.yaml", 2, "nowhere"},
		{"user", 2, "add"}, {"user fly", 2, "add"}, {"user add -name x", 2, "-role"}, {"user password", 2, "-person"},
		{"user password -person nobody -data " + none, 1, "no data"}, {"user list -data " + none, 1, "no data"},
		{"device", 2, "list"}, {"device code -data " + none, 2, "-person"}, {"device code -person x -data " + none, 1, "no data"},
		{"device revoke -device x -data " + none, 2, "-device"}, {"device list -data " + none, 1, "no data"},
		{"centre", 2, "add"}, {"centre add", 2, "-name"}, {"centre list -data " + none, 1, "no data"}, {"verify -data " + none, 1, "no data"}, {"verify -rebuild=x", 2, "rebuild"},
	} {
		code, out, errs := run(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(errs, c.word) || out != "" {
			t.Errorf("%q: exit %d (%q, %q), want %d and %q", c.args, code, out, errs, c.code, c.word)
		}
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("a mistyped -data made a folder")
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, args := range []string{"help", "-h", "serve -h", "verify -h", "centre -h", "centre add -h", "centre list -h", "user -h", "user add -h", "user list -h", "user password -h",
		"user disable -h", "user enable -h", "device -h", "device list -h", "device code -h", "device revoke -h"} {
		code, _, errs := run(t, strings.Fields(args)...)
		if code != 0 || !strings.Contains(errs, "usage: go run ./server") {
			t.Errorf("%q: exit %d: %s", args, code, errs)
		}
	}
	if out := ok(t, "version"); !strings.Contains(out, "siteledger") {
		t.Errorf("version %q", out)
	}
}

func TestPeopleCommands(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	must(t, os.WriteFile(secret, []byte("from a file 7\n"), 0o600))
	data := filepath.Join(dir, "data")
	code, centre, errs := run(t, "centre", "add", "-data", data, "-name", "城东客服中心", "-phone", "400-1")
	if code != 0 || !strings.Contains(errs, "password (shown this once)") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	centre = strings.TrimSpace(centre)
	if list := ok(t, "centre", "list", "-data", data); !strings.Contains(list, "城东客服中心") || !strings.Contains(list, "headquarters") {
		t.Errorf("centres:\n%s", list)
	}
	clerk := ok(t, "user", "add", "-data", data, "-centre", centre, "-name", "客服", "-login", "clerk", "-role", "clerk", "-password-file", secret)
	if strings.Contains(clerk, "password") {
		t.Errorf("a password from a file is printed: %s", clerk)
	}
	boss := ok(t, "user", "add", "-data", data, "-centre", centre, "-name", "主管", "-login", "boss", "-role", "supervisor")
	first := field(t, boss, "password (shown this once)")
	again := ok(t, "user", "password", "-data", data, "-person", "boss")
	if field(t, again, "password (shown this once)") == first {
		t.Error("the new password is the old one")
	}
	ok(t, "user", "disable", "-data", data, "-person", field(t, clerk, "person"))
	if list := ok(t, "user", "list", "-data", data); !strings.Contains(list, "disabled") || !strings.Contains(list, "boss") || !strings.Contains(list, "admin") {
		t.Errorf("people:\n%s", list)
	}
	ok(t, "user", "enable", "-data", data, "-person", "clerk")
	for _, bad := range [][]string{
		{"user", "add", "-data", data, "-centre", centre, "-name", "x", "-login", "boss", "-role", "clerk"},
		{"user", "add", "-data", data, "-centre", centre, "-name", "x", "-role", "king"},
		{"user", "add", "-data", data, "-centre", uuid.NewString(), "-name", "x", "-role", "clerk"},
		{"user", "password", "-data", data, "-person", "nobody"},
		{"device", "code", "-data", data, "-person", "clerk"},
		{"device", "revoke", "-data", data, "-device", uuid.NewString()},
	} {
		if code, _, errs := run(t, bad...); code != 1 || errs == "" {
			t.Errorf("%q: exit %d %q", bad, code, errs)
		}
	}
	var v struct{ OK bool }
	must(t, json.Unmarshal([]byte(ok(t, "verify", "-data", data, "-json", "-rebuild")), &v))
	if !v.OK {
		t.Error("verify finds faults")
	}
}

// server is a server in a process of its own.
type server struct {
	cmd  *exec.Cmd
	url  string
	done chan error
	out  *bytes.Buffer
}

func startServer(t *testing.T, data string, args ...string) *server {
	t.Helper()
	s := &server{done: make(chan error, 1), out: &bytes.Buffer{}}
	s.cmd = exec.Command(os.Args[0], append([]string{"serve", "-data", data, "-listen", "127.0.0.1:0", "-s3.listen", "127.0.0.1:0", "-log.format", "json"}, args...)...)
	s.cmd.Env = append(os.Environ(), "SITELEDGER_TEST_MAIN=1")
	s.cmd.Stdout = s.out
	stderr, err := s.cmd.StderrPipe()
	must(t, err)
	must(t, s.cmd.Start())
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	lines := bufio.NewScanner(stderr)
	for s.url == "" && lines.Scan() {
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			s.url = line.URL
		}
	}
	if s.url == "" {
		t.Fatal("the server did not start")
	}
	go func() {
		_, _ = io.Copy(io.Discard, stderr)
		s.done <- s.cmd.Wait()
	}()
	return s
}

// enrol enrols a phone and answers its access token.
func enrol(t *testing.T, url, code string) syncproto.EnrolAnswer {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	body, err := json.Marshal(syncproto.EnrolRequest{Code: code, PublicKey: public, Proof: ed25519.Sign(key, changelog.EnrolMessage(uuid.Nil, public, code)), Schema: 1})
	must(t, err)
	res, err := http.Post(url+syncproto.PathEnrol, syncproto.TypeJSON, bytes.NewReader(body))
	must(t, err)
	defer res.Body.Close()
	var ans syncproto.EnrolAnswer
	must(t, json.NewDecoder(res.Body).Decode(&ans))
	if res.StatusCode != 201 {
		t.Fatalf("enrol: %d", res.StatusCode)
	}
	return ans
}

func get(t *testing.T, url, token string) *http.Response {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// TestCommandsBesideARunningServer: a code and a revocation from a second
// process count at once; SIGTERM ends the server within seconds though a phone
// has a stream open.
func TestCommandsBesideARunningServer(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := startServer(t, data, "-bootstrap.centre", "城东客服中心")
	var centre string
	for _, line := range strings.Split(ok(t, "centre", "list", "-data", data), "\n") {
		if strings.Contains(line, "城东") {
			centre, _, _ = strings.Cut(line, " ")
		}
	}
	person := field(t, ok(t, "user", "add", "-data", data, "-centre", centre, "-name", "李师傅", "-role", "installer"), "person")
	code := ok(t, "device", "code", "-person", person, "-data", data)
	if strings.Count(code, "\n") != 1 {
		t.Errorf("more than a code on stdout: %q", code)
	}
	first := enrol(t, s.url, strings.TrimSpace(code))
	second := enrol(t, s.url, strings.TrimSpace(ok(t, "device", "code", "-person", person, "-data", data)))
	if list := ok(t, "device", "list", "-data", data); strings.Count(list, "李师傅") != 2 {
		t.Errorf("devices:\n%s", list)
	}
	ok(t, "device", "revoke", "-device", first.Device.String(), "-data", data)
	if res := get(t, s.url+syncproto.PathPull, first.AccessToken); res.StatusCode != 401 {
		t.Errorf("the revoked device pulls: %d", res.StatusCode)
	}
	if res := get(t, s.url+syncproto.PathPull, second.AccessToken); res.StatusCode != 200 {
		t.Errorf("the other device pulls: %d", res.StatusCode)
	}
	events := get(t, s.url+syncproto.PathEvents, second.AccessToken)
	if events.StatusCode != 200 {
		t.Fatalf("events: %d", events.StatusCode)
	}
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-s.done:
		must(t, err)
	case <-time.After(5 * time.Second):
		t.Fatal("still running 5 s after SIGTERM")
	}
	if _, err := io.ReadAll(events.Body); err != nil {
		t.Errorf("the stream did not end cleanly: %v", err)
	}
	if !strings.Contains(s.out.String(), "password (shown this once)") {
		t.Errorf("the first start printed %q", s.out)
	}
	again := startServer(t, data)
	if res := get(t, again.url+syncproto.PathPull, second.AccessToken); res.StatusCode != 200 {
		t.Errorf("after a restart: %d", res.StatusCode)
	}
	must(t, again.cmd.Process.Signal(syscall.SIGTERM))
	must(t, <-again.done)
	if strings.Contains(again.out.String(), "password") {
		t.Error("the second start printed a password")
	}
}

func TestVerifyNamesWhatIsBroken(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	ok(t, "centre", "add", "-data", data, "-name", "甲")
	ok(t, "verify", "-data", data)
	for _, name := range []string{"server.db-wal", "server.db-shm"} {
		if err := os.Remove(filepath.Join(data, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	must(t, os.Truncate(filepath.Join(data, "server.db"), 5000))
	if code, _, errs := run(t, "verify", "-data", data); code != 1 || errs == "" {
		t.Errorf("a cut database: exit %d %q", code, errs)
	}
}
