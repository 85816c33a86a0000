package headquarters_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"siteledger/server/web/webtest"
)

// allowed is who may call which route: J adjudicator, A administrator; clerks,
// supervisors and strangers none. A route that is not here fails the test.
var allowed = map[string]string{
	"GET /headquarters/{$}":                                     "JA",
	"GET /headquarters/defects/{centre}/{defect}":               "JA",
	"GET /headquarters/defects/{centre}/{defect}/print":         "JA",
	"GET /headquarters/defects/{centre}/{defect}/annex/{annex}": "JA",
	"POST /headquarters/defects/{centre}/{defect}/verdict":      "J",
	"POST /headquarters/defects/{centre}/{defect}/take":         "J",
	"POST /headquarters/defects/{centre}/{defect}/leave":        "J",
	"POST /headquarters/defects/{centre}/{defect}/urge":         "J",
	"POST /headquarters/defects/{centre}/{defect}/received":     "J",
	"POST /headquarters/defects/{centre}/{defect}/evidence":     "J",
	"POST /headquarters/defects/{centre}/{defect}/opinion":      "J",
	"POST /headquarters/defects/{centre}/{defect}/mark":         "J",
	"POST /headquarters/defects/{centre}/{defect}/annex":        "J",
	"GET /headquarters/photos/{centre}/{sha}":                   "JA",
	"GET /headquarters/profile/{kind}":                          "A",
}

func TestRoleRouteMatrix(t *testing.T) {
	d := openDesk(t)
	people := map[string]string{"clerk": "C", "supervisor": "S", "adjudicator": "J", "admin": "A"}
	fill := strings.NewReplacer("{centre}", webtest.ID().String(), "{defect}", webtest.ID().String(), "{annex}", webtest.ID().String(), "{sha}", strings.Repeat("ab", 32), "{kind}", "heap", "{$}", "")
	seen := map[string]bool{}
	for _, r := range d.site.Routes() {
		name := r.Method + " " + r.Path
		if !strings.HasPrefix(r.Path, "/headquarters/") {
			continue // the shell's own
		}
		seen[name] = true
		want, ok := allowed[name]
		if !ok {
			t.Errorf("%s is in no row of the matrix", name)
			continue
		}
		ask := func(who string) int {
			var form url.Values
			if r.Method == http.MethodPost {
				form = url.Values{}
			}
			code, _, _ := d.ask(t, who, fill.Replace(r.Path), form)
			return code
		}
		if code := ask(""); code != http.StatusSeeOther && code != http.StatusUnauthorized {
			t.Errorf("%s without a sign-in: %d", name, code)
		}
		for who, letter := range people {
			if code := ask(who); strings.Contains(want, letter) == (code == http.StatusForbidden) {
				t.Errorf("%s as %s: %d", name, who, code)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("%s is in the matrix and nowhere else", name)
		}
	}
}
