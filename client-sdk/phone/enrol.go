package phone

import (
	"net/http"
	"strings"
)

// enrolData is the first page of a new phone.
type enrolData struct {
	Server string
	Code   string // as typed, after a refusal
	Again  bool   // this phone was enrolled before and its sign-in ended
}

// enrolled sends a phone without an identity to the enrolment page, whatever
// it asked for.
func (a *App) enrolled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := a.client.Identity(); !ok && !strings.HasPrefix(r.URL.Path, "/static/") && r.URL.Path != "/enrol" && r.URL.Path != "/me/lang" {
			http.Redirect(w, r, "/enrol", http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func enrolPage(q *ask) error {
	return q.show(http.StatusOK, "enrol", page{Title: q.t("enrol.title"), Body: q.enrolData("")})
}

func (q *ask) enrolData(code string) enrolData {
	_, again := q.app.client.Identity()
	return enrolData{Server: q.app.server, Code: code, Again: again}
}

// enrol serves POST /enrol: the one tap that needs a network.
func enrol(q *ask) error {
	code := strings.Join(strings.Fields(halfWidth(q.field("code", 100))), "")
	var err error
	if code == "" {
		err = no("wrong.code")
	} else {
		err = q.app.client.Enrol(q.r.Context(), code)
	}
	if err == nil {
		// A new code comes from the service centre: it also ends a forgotten PIN.
		if err := q.app.settings.update(func(f *settingsFile) { *f = settingsFile{Lang: f.Lang} }); err != nil {
			return err
		}
		q.app.client.Nudge()
		return q.to("/", "enrolled")
	}
	status, text := q.sentence(err)
	if status == http.StatusInternalServerError {
		q.app.log.Error("enrolment failed", "error", err)
	}
	return q.show(status, "enrol", page{Title: q.t("enrol.title"), Wrong: text, Body: q.enrolData(code)})
}
