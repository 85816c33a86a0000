package phone

import (
	"net/http"
	"strings"
)

// held keeps the screen on the customer's page while the phone is in the
// customer's hands (SF-01). The lock is kept in the settings file, so a restart
// does not open it; the technician's PIN alone does. A customer who has signed, or
// not, still holds the phone with everybody else's jobs in it; all that is open
// beside the page is the code of his own copy.
func (a *App) held(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		job := a.settings.get().LockedJob
		if job == "" || strings.HasPrefix(r.URL.Path, "/static/") || r.URL.Path == "/events" {
			next.ServeHTTP(w, r)
			return
		}
		own := "/job/" + job
		switch r.Method + " " + r.URL.Path {
		case "GET " + own + "/handover", "POST " + own + "/sign", "POST " + own + "/unlock", "POST " + own + "/handover", "GET " + own + "/copy", "POST " + own + "/copy":
			next.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, own+"/handover", http.StatusSeeOther)
	})
}

// unlock serves POST /job/{job}/unlock: the technician takes the phone back.
func unlock(q *ask) error {
	id, err := q.pathID("job")
	if err != nil {
		return err
	}
	ok, wait, err := q.app.settings.checkPIN(halfWidth(q.r.FormValue("pin")), q.now())
	if err != nil {
		return err
	}
	if wait > 0 {
		return q.handover(id, http.StatusUnprocessableEntity, q.t("wrong.pin_wait", int(wait.Seconds())+1))
	}
	if !ok {
		return q.handover(id, http.StatusUnprocessableEntity, q.t("wrong.pin"))
	}
	next := "/job/" + id.String()
	if q.app.settings.get().Answered {
		next += "/done"
	}
	if err := q.app.settings.update(func(f *settingsFile) { f.LockedJob, f.Answered = "", false }); err != nil {
		return err
	}
	return q.to(next, "")
}
