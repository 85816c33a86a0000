package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siteledger/server/store/storetest"
)

// verdict is what the conformance kit prints with -json.
type verdict struct {
	Passed int
	Failed int
	NotRun int `json:"not_run"`
	Checks []struct {
		No                                              int
		Section, Promise, Check, Result, Expected, Seen string
	}
}

// conformance runs the kit and wants that nothing failed and nothing was left
// out but what may.
func conformance(t *testing.T, least int, leftOut map[string]bool, args ...string) {
	t.Helper()
	out, exit := call(t, "server/conformance", append(args, "-json", "-vectors", filepath.Join(root(t), "testdata", "conformance"))...)
	var v verdict
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("exit %d: %v\n%s", exit, err, out)
	}
	for _, c := range v.Checks {
		if c.Result == "failed" || c.Result == "not run" && !leftOut[c.Check] {
			t.Errorf("%d §%s %s: %s\nexpected %s\nsaw %s", c.No, c.Section, c.Check, c.Result, c.Expected, c.Seen)
		}
	}
	if v.Passed < least || exit != 0 && !t.Failed() {
		t.Errorf("%d passed, want %d; exit %d", v.Passed, least, exit)
	}
	t.Logf("conformance: %d checks passed, %d failed, %d not run", v.Passed, v.Failed, v.NotRun)
}

// TestServerConforms: our own server passes the kit that any server is judged
// by, as a real process, on both databases.
func TestServerConforms(t *testing.T) {
	storetest.Each(t, func(t *testing.T, e storetest.Engine) {
		if url := e.Config(t).URL; url != "" {
			t.Setenv("SITELEDGER_DATABASE", url)
		}
		serverConforms(t)
	})
}

func serverConforms(t *testing.T) {
	data := t.TempDir()
	said := func(out string, exit int) string {
		t.Helper()
		if exit != 0 {
			t.Fatal(out)
		}
		return strings.TrimSpace(out)
	}
	centre := said(call(t, "server", "centre", "add", "-name", "城东客服中心", "-data", data))
	person := func(name string) string {
		return strings.TrimPrefix(strings.Split(said(call(t, "server", "user", "add", "-name", name, "-role", "installer", "-centre", centre, "-data", data)), "\n")[0], "person: ")
	}
	code := func(of string) string { return said(call(t, "server", "device", "code", "-person", of, "-data", data)) }
	li, chen := person("李卫东"), person("陈大山")
	p := start(t, "server", "serve", "-data", data, "-listen", "127.0.0.1:0", "-s3.listen", "127.0.0.1:0")
	address := p.await(p.err, `listening.*?(http://127\.0\.0\.1:\d+|127\.0\.0\.1:\d+)`)[1]
	if !strings.HasPrefix(address, "http") {
		address = "http://" + address
	}
	file := filepath.Join(t.TempDir(), "kept.json")
	conformance(t, 90, nil, "-server", address, "-codes", code(li)+","+code(li)+","+code(li), "-other", code(chen),
		"-revoke", program(t, "server")+" device revoke -data "+data+" -device {device}", "-keep", file)
	// The same server after a restore, with access tokens of a second.
	p.stop()
	out, exit := "", 1
	for deadline := time.Now().Add(20 * time.Second); exit != 0 && time.Now().Before(deadline); {
		out, exit = call(t, "server", "new-history", "-data", data) // PostgreSQL may still count the stopped server's connections
	}
	said(out, exit)
	p = start(t, "server", "serve", "-data", data, "-listen", strings.TrimPrefix(address, "http://"), "-s3.listen", "127.0.0.1:0", "-session.access", "1s")
	p.await(p.err, `listening`)
	conformance(t, 4, nil, "-server", address, "-again", file)
}

// TestPhoneConforms: our own SDK passes the kit that any phone is judged by,
// as a real process with a server that the kit plays.
func TestPhoneConforms(t *testing.T) {
	conformance(t, 30, nil, "-phone", program(t, "client-sdk/cmd/conformphone"))
}

// TestKitNoticesAWrongServer: a server that takes everything, and one that
// refuses everything, fail nearly every check; the kit itself is looked at.
func TestKitNoticesAWrongServer(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"says yes to all": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
		},
		"a Wi-Fi page": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>sign in"))
		},
		"refuses all": func(w http.ResponseWriter) { http.Error(w, "no", http.StatusForbidden) },
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
		out, exit := call(t, "server/conformance", "-server", s.URL, "-codes", "A,B,C", "-other", "D", "-json", "-vectors", filepath.Join(root(t), "testdata", "conformance"))
		s.Close()
		var v verdict
		if err := json.Unmarshal([]byte(out), &v); err != nil || exit != 1 {
			t.Fatalf("%s: exit %d, %v", name, exit, err)
		}
		if v.Passed > 0 {
			for _, c := range v.Checks {
				if c.Result == "passed" {
					t.Errorf("%s passes: %s", name, c.Check)
				}
			}
		}
	}
}
