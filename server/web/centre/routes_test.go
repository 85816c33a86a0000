package centre_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"siteledger/server/web/webtest"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// allowed is who may call which route: C clerk, S supervisor, J adjudicator,
// A administrator. A route that is not here fails the test.
var allowed = map[string]string{
	"GET /centre/{$}":                             "CS",
	"GET /centre/phones":                          "CS",
	"GET /centre/search":                          "CS",
	"GET /centre/intake":                          "CS",
	"POST /centre/intake":                         "CS",
	"GET /centre/jobs":                            "CS",
	"GET /centre/jobs/export":                     "CS",
	"GET /centre/jobs/{id}":                       "CS",
	"POST /centre/jobs/{id}/slot":                 "CS",
	"POST /centre/jobs/{id}/contact":              "CS",
	"POST /centre/jobs/{id}/crew":                 "CS",
	"POST /centre/jobs/{id}/cancel":               "CS",
	"POST /centre/jobs/{id}/note":                 "CS",
	"POST /centre/jobs/{id}/number":               "CS",
	"POST /centre/jobs/{id}/upload":               "CS",
	"GET /centre/jobs/{id}/timeline":              "CS",
	"GET /centre/photos/{sha}":                    "CS",
	"GET /centre/customers":                       "CS",
	"GET /centre/customers/{id}":                  "CS",
	"GET /centre/import":                          "CS",
	"GET /centre/import/template":                 "CS",
	"POST /centre/import/check":                   "CS",
	"POST /centre/import/commit":                  "CS",
	"GET /centre/people":                          "SA",
	"POST /centre/people":                         "SA",
	"POST /centre/people/{id}/password":           "SA",
	"POST /centre/people/{id}/active":             "SA",
	"POST /centre/people/{id}/code":               "SA",
	"GET /centre/devices/{id}":                    "SA",
	"POST /centre/devices/{id}/revoke":            "SA",
	"POST /centre/devices/{id}/permit":            "SA",
	"POST /centre/devices/{id}/instruct":          "S",
	"GET /centre/reconcile":                       "CS",
	"POST /centre/reconcile/decide":               "CS",
	"POST /centre/reconcile/revise":               "CS",
	"POST /centre/reconcile/bulk":                 "CS",
	"POST /centre/reconcile/take":                 "CS",
	"GET /centre/reconcile/batch":                 "CS",
	"GET /centre/reconcile/aside":                 "CS",
	"GET /centre/reconcile/aside/{id}":            "S",
	"POST /centre/reconcile/waive":                "CS",
	"POST /centre/reconcile/urge":                 "CS",
	"GET /centre/jobs/{id}/register":              "CS",
	"POST /centre/jobs/{id}/register":             "CS",
	"GET /centre/jobs/{id}/slip":                  "CS",
	"POST /centre/jobs/{id}/shipments/{shipment}": "CS",
	"POST /centre/jobs/{id}/evidence":             "CS",
	"POST /centre/jobs/{id}/code":                 "CS",

	"GET /centre/jobs/{id}/visits/{visit}/copy":                "CS",
	"POST /centre/jobs/{id}/visits/{visit}/copy":               "CS",
	"POST /centre/jobs/{id}/visits/{visit}/copy/{link}/revoke": "CS",

	"GET /centre/jobs/{id}/defects/{defect}":               "CS",
	"POST /centre/jobs/{id}/defects/{defect}/form":         "CS",
	"POST /centre/jobs/{id}/defects/{defect}/sign":         "CS",
	"POST /centre/jobs/{id}/defects/{defect}/annex":        "CS",
	"GET /centre/jobs/{id}/defects/{defect}/annex/{annex}": "CS",
	"POST /centre/jobs/{id}/defects/{defect}/appeal":       "S",
	"POST /centre/jobs/{id}/defects/{defect}/opinion":      "CS",
	"POST /centre/jobs/{id}/defects/{defect}/answer":       "CS",
	"POST /centre/jobs/{id}/defects/{defect}/step":         "CS",

	"GET /copy/{token}": "*",

	"GET /{$}":       "*",
	"GET /signin":    "*",
	"POST /signin":   "*",
	"POST /language": "*",
	"POST /signout":  "CSJA",
	"GET /events":    "CSJA",
}

func TestRoleRouteMatrix(t *testing.T) {
	w := world(t)
	people := []struct {
		letter string
		role   schema.Role
		b      *webtest.Browser
	}{{"C", schema.Clerk, w.SignIn("clerk")}, {"S", schema.Supervisor, w.SignIn("boss")}, {"J", schema.Adjudicator, w.SignIn("judge")}, {"A", schema.Admin, w.SignIn("admin")}}
	seen := map[string]bool{}
	fill := strings.NewReplacer("{id}", uuid.NewString(), "{shipment}", uuid.NewString(), "{visit}", uuid.NewString(), "{link}", uuid.NewString(), "{defect}", uuid.NewString(), "{annex}", uuid.NewString(), "{sha}", strings.Repeat("ab", 32), "{$}", "")
	for _, r := range w.Site.Routes() {
		name := r.Method + " " + r.Path
		seen[name] = true
		want, ok := allowed[name]
		if !ok {
			t.Errorf("%s is in no row of the matrix", name)
			continue
		}
		path := fill.Replace(r.Path)
		if want == "*" || name == "POST /signout" || name == "GET /events" {
			continue
		}
		stranger := w.Stranger()
		d := stranger.Get(path)
		if r.Method == "POST" {
			d = stranger.Post(path, nil)
		}
		if d.Status != http.StatusSeeOther && d.Status != http.StatusUnauthorized {
			t.Errorf("%s without a sign-in: %d", name, d.Status)
		}
		for _, p := range people {
			d := p.b.Get(path)
			if r.Method == "POST" {
				d = p.b.Post(path, nil)
			}
			if may := strings.Contains(want, p.letter); may == (d.Status == http.StatusForbidden) {
				t.Errorf("%s as %s: %d", name, p.role, d.Status)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("%s is no route any more", name)
		}
	}
}

func TestEveryPostNeedsItsToken(t *testing.T) {
	w := world(t)
	b := w.SignIn("boss")
	fill := strings.NewReplacer("{id}", uuid.NewString(), "{shipment}", uuid.NewString(), "{visit}", uuid.NewString(), "{link}", uuid.NewString(), "{defect}", uuid.NewString(), "{annex}", uuid.NewString())
	for _, r := range w.Site.Routes() {
		if r.Method != "POST" || r.Path == "/signin" {
			continue
		}
		if d := b.Post(fill.Replace(r.Path), url.Values{"csrf": {"forged"}}); d.Status != http.StatusForbidden {
			t.Errorf("%s with a forged token: %d", r.Path, d.Status)
		}
	}
}

func TestPagesParse(t *testing.T) {
	if err := world(t).Site.ParsePages(); err != nil {
		t.Error(err)
	}
}
