package centre_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"siteledger/server/web/webtest"

	"github.com/google/uuid"
)

// TestCanariesOfAnotherCentre: another centre's customer, job, contact, note
// and person carry words that stand nowhere else. Whatever route the people of
// this centre call, with whatever of those ids in the path, the query or the
// form, none of the words comes back and none of the rows changes (A21, P7).
func TestCanariesOfAnotherCentre(t *testing.T) {
	w := world(t)
	const canary = "KANARI"
	put := func(table string, cols map[string]any) uuid.UUID { return w.Insert(w.Other, table, cols) }
	customer := put("customer", map[string]any{"name": canary + "顾客", "phone": "13900" + "99999"})
	job := put("job", map[string]any{"kind": "repair", "intake_at": int64(1), "asked_work": canary + "报修", "warranty": "out", "status": "new", "customer": customer[:]})
	ids := map[string]uuid.UUID{
		"customer": customer, "job": job,
		"contact": put("job_contact", map[string]any{"job": job[:], "name": canary + "联系人", "phone": "13900" + "99998"}),
		"note":    put("note", map[string]any{"job": job[:], "kind": "note", "text": canary + "备注", "at": int64(1)}),
		"person":  w.People["zhao"].ID, "centre": w.Other,
	}
	rows := func() string {
		var all []string
		for table, id := range map[string]uuid.UUID{"customer": customer, "job": job, "job_contact": ids["contact"], "note": ids["note"], "person": ids["person"]} {
			r, _, err := w.Store.StateRow(t.Context(), w.Other, table, id)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, table+" "+strings.Join([]string{r.Text("name"), r.Text("asked_work"), r.Text("status"), r.Text("phone"), r.Text("text")}, "|"))
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	before := rows()
	tried := 0
	for _, login := range []string{"clerk", "boss", "judge"} {
		b := w.SignIn(login)
		for _, r := range w.Site.Routes() {
			if !strings.HasPrefix(r.Path, "/centre/") || r.Path == "/centre/events" {
				continue
			}
			for name, id := range ids {
				path := strings.NewReplacer("{id}", id.String(), "{shipment}", id.String(), "{defect}", id.String(), "{annex}", id.String(), "{sha}", strings.Repeat("ab", 32), "{$}", "").Replace(r.Path)
				var d *webtest.Doc
				if r.Method == "POST" {
					d = b.Post(path, url.Values{"id": {id.String()}, "job": {id.String()}, "person": {id.String()}, "customer": {id.String()}, "case": {id.String()}, "reason": {"x"}, "text": {"换掉"}, "phone": {"110"}, "name": {"换掉"}, "active": {"false"}})
				} else {
					d = b.Get(path + "?q=" + canary[:3] + "&id=" + id.String() + "&job=" + id.String() + "&case=" + id.String())
				}
				if body := strings.ReplaceAll(d.Body, canary[:3]+`"`, ""); strings.Contains(body, canary) {
					t.Errorf("%s %s as %s with the %s of another centre: %d shows it", r.Method, r.Path, login, name, d.Status)
				}
				tried++
			}
		}
	}
	if after := rows(); after != before {
		t.Errorf("another centre's rows changed:\n%s%s", before, after)
	}
	if tried < 500 {
		t.Errorf("%d calls", tried)
	}
	// The words are there: whoever may see them does.
	if d := w.SignIn("clerk-b").Get("/centre/jobs/" + job.String()); !strings.Contains(d.Body, canary) {
		t.Errorf("the other centre's own clerk: %d without the words", d.Status)
	}
	t.Logf("%d calls with ids of another centre", tried)
}
