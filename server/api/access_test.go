package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"siteledger/server/api"
	"siteledger/server/auth"
	"siteledger/server/auth/authtest"
	"siteledger/syncproto"
)

// sample is a body that each route with a body takes.
func sample(p *phone, r api.Route) []byte {
	switch r.Path {
	case syncproto.PathEnrol:
		return p.enrolBody("AAAA-BBBB-CCCC")
	case syncproto.PathToken:
		return []byte(`{"refresh_token":"r1.x"}`)
	case syncproto.PathPush:
		return p.cbor(p.batch(p.note(1, "x")))
	case syncproto.PathRepair:
		return []byte(`{"roots":[]}`)
	case syncproto.PathBlobPlan:
		return []byte(`{"blobs":[]}`)
	case syncproto.PathBlobCommit:
		return []byte(`{"sha256":"` + strings.Repeat("ab", 32) + `"}`)
	}
	return nil
}

func path(r api.Route) string {
	return strings.ReplaceAll(r.Path, "{sha256}", strings.Repeat("ab", 32))
}

func TestBadTokensOnEveryRoute(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	bad := authtest.NewForger(w.keys, p.answer.AccessToken, time.Now()).BadTokens(t)
	if len(bad) < 30 {
		t.Fatalf("%d bad tokens, want 30", len(bad))
	}
	tried := 0
	for _, r := range w.api.Routes() {
		if r.Access == api.Open {
			continue
		}
		for _, b := range bad {
			res := w.call(r.Method, path(r), b.Token, sample(p, r))
			if res.status != http.StatusUnauthorized {
				t.Errorf("%s %s with %s: %d %s", r.Method, r.Path, b.Name, res.status, res.body)
				continue
			}
			want := syncproto.TokenInvalid
			if b.Expired {
				want = syncproto.TokenExpired
			}
			res.want(t, 401, want)
			if !strings.HasPrefix(res.header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s: no challenge", b.Name)
			}
			tried++
		}
	}
	if tried < 9*30 {
		t.Errorf("%d refusals", tried)
	}
	if strings.Contains(w.log.String(), p.answer.AccessToken[:60]) {
		t.Error("a token is in the log")
	}
}

func TestTokensInWrongPlaces(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	good := p.answer.AccessToken
	w.call("GET", syncproto.PathPull+"?access_token="+good, "", nil).want(t, 401, syncproto.TokenInvalid)
	w.call("GET", syncproto.PathPull, "", nil, "Cookie", "token="+good).want(t, 401, syncproto.TokenInvalid)
	w.call("GET", syncproto.PathPull, "", nil, "Authorization", "Basic "+good).want(t, 401, syncproto.TokenInvalid)
	w.call("GET", syncproto.PathPull, "", nil, "Authorization", good).want(t, 401, syncproto.TokenInvalid)
	w.call("GET", syncproto.PathPull, p.answer.RefreshToken, nil).want(t, 401, syncproto.TokenInvalid)
	if res := w.call("GET", syncproto.PathPull, "", nil, "Authorization", "bearer "+good); res.status != 200 {
		t.Errorf("scheme in lower case: %d", res.status)
	}
}

// caller is one kind of caller of the matrix.
type caller struct {
	name  string
	token func(w *world) string
}

// TestAuthorisationMatrix holds who gets in where. Its table must name every
// route: a new route without a row fails.
func TestAuthorisationMatrix(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	revoked, disabled := w.phone(w.installer), w.phone(w.supervisor)
	good := w.phone(w.installer)
	must(t, w.auth.RevokeDevice(ctx, auth.Operator(), revoked.answer.Device))
	must(t, w.auth.SetActive(ctx, auth.Operator(), w.supervisor.ID, false))
	callers := []caller{
		{"nobody", func(*world) string { return "" }},
		{"device", func(*world) string { return good.answer.AccessToken }},
		{"revoked device", func(*world) string { return revoked.answer.AccessToken }},
		{"disabled person", func(*world) string { return disabled.answer.AccessToken }},
	}
	phones := map[string]*phone{"nobody": good, "device": good, "revoked device": revoked, "disabled person": disabled}
	const open, in, out, shut = "open", "in", "out", "shut"
	// in: let in; out: 401; shut: 403 and quarantine; open: no difference
	table := map[string][4]string{
		"POST /v1/devices/enrol":    {open, open, open, open},
		"POST /v1/devices/token":    {open, open, open, open},
		"POST /v1/devices/receipts": {out, in, out, out},
		"GET /v1/schema":            {open, open, open, open},
		"POST /v1/sync/push":        {out, in, shut, shut},
		"GET /v1/sync/pull":         {out, in, out, out},
		"POST /v1/sync/repair":      {out, in, out, out},
		"GET /v1/sync/events":       {out, in, out, out},
		"POST /v1/blobs/plan":       {out, in, out, out},
		"POST /v1/blobs/commit":     {out, in, out, out},
		"GET /v1/blobs/{sha256}":    {out, in, out, out},
		"GET /healthz":              {open, open, open, open},
		"GET /readyz":               {open, open, open, open},
		"GET /metrics":              {open, open, open, open},
		"GET /openapi.json":         {open, open, open, open},
	}
	seen := map[string]bool{}
	for _, r := range w.api.Routes() {
		name := r.Method + " " + r.Path
		row, ok := table[name]
		if !ok {
			t.Errorf("%s has no row in the matrix", name)
			continue
		}
		seen[name] = true
		if (row[0] == open) != (r.Access == api.Open) {
			t.Errorf("%s: open in one place, not in the other", name)
		}
		for i, c := range callers {
			if row[i] == in && r.Path == syncproto.PathEvents {
				continue // a stream does not end; see the tests of events
			}
			res := w.call(r.Method, path(r), c.token(w), sample(phones[c.name], r))
			got := map[int]string{401: out, 403: shut}[res.status]
			if r.Access == api.Open {
				// these answer by their own rules, the same for every caller
				first := w.call(r.Method, path(r), "", sample(phones[c.name], r))
				if first.status == res.status {
					got = open
				}
			} else if got == "" && res.status < 400 {
				got = in
			}
			if got != row[i] {
				t.Errorf("%s by %s: %s (%d %s), want %s", name, c.name, got, res.status, res.body, row[i])
			}
		}
	}
	for name := range table {
		if !seen[name] {
			t.Errorf("the matrix has a row for %s, which is no route", name)
		}
	}
}

func TestUnknownCalls(t *testing.T) {
	w := newWorld(t)
	w.call("GET", "/v1/nothing", "", nil).want(t, 404, syncproto.NotFound)
	w.call("GET", "/v1/sync/../../etc/passwd", "", nil).want(t, 404, syncproto.NotFound)
	res := w.call("DELETE", syncproto.PathPull, "", nil)
	res.want(t, 405, syncproto.NotFound)
	if !slices.Contains(strings.Split(res.header.Get("Allow"), ", "), "GET") {
		t.Errorf("Allow %q", res.header.Get("Allow"))
	}
}

func TestBlobNames(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	for _, name := range []string{"x", strings.Repeat("AB", 32), strings.Repeat("ab", 33), "..%2f..%2fetc", strings.Repeat("zz", 32)} {
		w.call("GET", syncproto.PathBlobs+name, p.answer.AccessToken, nil).want(t, 404, syncproto.NotFound)
	}
	res := w.call("GET", syncproto.PathBlobs+strings.Repeat("ab", 32), p.answer.AccessToken, nil)
	if res.status != 303 || res.header.Get("Location") != "http://storage.example/get" {
		t.Errorf("got %d to %q", res.status, res.header.Get("Location"))
	}
}
