package phone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// ask is one request: what the web view wants and the words to answer in.
type ask struct {
	words
	app  *App
	w    http.ResponseWriter
	r    *http.Request
	done bool // an answer went out
}

// rows reads rows; a view and an edit both do.
type rows interface {
	Row(table string, id uuid.UUID) (schema.Row, bool, error)
	Rows(table string, q clientsdk.Query) ([]schema.Row, error)
}

var (
	_ rows = (*clientsdk.View)(nil)
	_ rows = (*clientsdk.Edit)(nil)
)

// refusal is an answer that says, in a full sentence of the dictionary, why a
// tap did nothing. What was typed stays.
type refusal struct {
	status int
	key    string
	args   []any
}

func (e *refusal) Error() string { return e.key }

// errForm is a body that is no form.
var errForm = errors.New("form can't be read")

// no refuses with a sentence of the dictionary.
func no(key string, args ...any) error {
	return &refusal{http.StatusUnprocessableEntity, key, args}
}

// gone refuses what is not on this phone (any more).
func gone() error { return &refusal{http.StatusNotFound, "wrong.gone", nil} }

// handle makes a handler of a function that may fail.
func (a *App) handle(fn func(q *ask) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := &ask{words: a.words(r), app: a, w: w, r: r}
		if r.Method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseForm(); err != nil { // half a form is none
				q.fail(errors.Join(errForm, err))
				return
			}
		}
		err := fn(q)
		if err == nil {
			return
		}
		if q.done || r.Context().Err() != nil {
			a.log.Info("answer not delivered", "path", r.URL.Path, "error", err)
			return
		}
		q.fail(err)
	}
}

// fail answers with the sentence of an error. An error that is nobody's fault
// is logged; its details never reach the screen.
func (q *ask) fail(err error) {
	status, text := q.sentence(err)
	if status == http.StatusInternalServerError {
		q.app.log.Error("page failed", "path", q.r.URL.Path, "error", err)
	}
	if q.quiet() {
		q.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		q.w.WriteHeader(status)
		_, _ = q.w.Write([]byte(text))
		return
	}
	back := "/"
	if ref := q.r.Header.Get("Referer"); q.r.Method == http.MethodPost && strings.HasPrefix(ref, "http://"+q.r.Host+"/") {
		back = strings.TrimPrefix(ref, "http://"+q.r.Host)
	}
	p := page{Title: q.t("wrong.title"), Back: back, Body: text, Path: q.r.URL.Path}
	if err := q.app.write(q.w, status, q.lang, "error", p); err != nil {
		q.app.log.Error("error page failed", "error", err)
	}
}

// sentence is what the screen says about an error, and its status.
func (q *ask) sentence(err error) (int, string) {
	var no *refusal
	if errors.As(err, &no) {
		return no.status, q.t(no.key, no.args...)
	}
	var broken *fieldwork.Violation
	if errors.As(err, &broken) {
		return http.StatusUnprocessableEntity, broken.In(q.lang)
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return http.StatusRequestEntityTooLarge, q.t("wrong.big")
	}
	if errors.Is(err, errForm) {
		return http.StatusBadRequest, q.t("wrong.form")
	}
	text := clientsdk.Explain(err, q.lang)
	var failed *clientsdk.Error
	if errors.As(err, &failed) && failed.Request != "" {
		text += " " + q.t("me.request", failed.Request)
	}
	switch clientsdk.CodeOf(err) {
	case clientsdk.CodeInternal, clientsdk.CodeClosed, clientsdk.CodeBroken, clientsdk.CodeForeign:
		return http.StatusInternalServerError, text
	case clientsdk.CodeStorageFull:
		return http.StatusInsufficientStorage, text
	case clientsdk.CodeOffline, clientsdk.CodeBusy, clientsdk.CodeNotOurServer:
		return http.StatusServiceUnavailable, text
	case clientsdk.CodeRowUnknown:
		return http.StatusNotFound, text
	}
	return http.StatusUnprocessableEntity, text
}

// quiet says that a script asked: it wants a status and a sentence, no page.
func (q *ask) quiet() bool { return q.r.Header.Get("X-Phone-Script") == "1" }

// show answers with a page.
func (q *ask) show(status int, name string, p page) error {
	if !p.Guest {
		s, err := q.strip()
		if err != nil {
			return err
		}
		p.Strip = s
		p.Place = q.app.WantsPosition()
	}
	if said := q.r.URL.Query().Get("said"); said != "" && p.Said == "" {
		if _, ok := q.dict["said."+said]; ok {
			p.Said = q.t("said." + said)
		}
	}
	p.Path = pageOf(q.r.URL.Path)
	q.done = true
	return q.app.write(q.w, status, q.lang, name, p)
}

// pageOf is the page that a form's address belongs to, where the form has an
// address of its own.
func pageOf(path string) string {
	at := strings.LastIndexByte(path, '/')
	if strings.HasPrefix(path, "/notices/") {
		return "/notices"
	}
	switch path[at+1:] {
	case "submit":
		return path[:at]
	case "selfcheck":
		return path[:at] + "/finish"
	case "receipt", "waiver":
		return path[:at] + "/fee"
	case "sign", "unlock":
		return path[:at] + "/handover"
	case "contact", "answer", "depart", "delay", "arrive", "absent", "record", "photo", "called", "discard":
		return path[:at]
	}
	return path
}

// toPage answers a GET of a form's address, as the arrow or a reload makes one.
func toPage(q *ask) error {
	if page := pageOf(q.r.URL.Path); page != q.r.URL.Path {
		return q.to(page, "")
	}
	return gone()
}

// to sends the web view on after a tap; said names a sentence for the next
// page, or is empty. A script that saved in the background gets a bare yes.
func (q *ask) to(path, said string) error {
	q.done = true
	if q.quiet() {
		q.w.Header().Set("X-Phone-Next", path)
		if said != "" {
			q.w.Header().Set("X-Phone-Said", url.PathEscape(q.t("said."+said)))
		}
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if said != "" {
		at, rest, found := strings.Cut(path, "#")
		path = at + "?said=" + said
		if found {
			path += "#" + rest
		}
	}
	http.Redirect(q.w, q.r, path, http.StatusSeeOther)
	return nil
}

// field is a form field without white space around it, at most max bytes.
func (q *ask) field(name string, max int) string {
	return clip(strings.TrimSpace(q.r.FormValue(name)), max)
}

// ticked says whether a box of the form is ticked.
func (q *ask) ticked(name string) bool { return q.r.FormValue(name) == "1" }

// has says whether the form holds a field at all: an autosave of one part of a
// page must not empty the others.
func (q *ask) has(name string) bool {
	if q.r.Form == nil {
		_ = q.r.FormValue(name)
	}
	_, ok := q.r.Form[name]
	return ok
}

// choice is a form field that must be one of a column's declared values; ""
// where nothing was chosen.
func (q *ask) choice(name, table, column string) (string, error) {
	v := q.field(name, 60)
	if v == "" {
		return "", nil
	}
	c := q.app.schema.Table(table).Column(column)
	if _, ok := c.ValueLabels[v]; !ok {
		return "", no("wrong.form")
	}
	return v, nil
}

// pathID reads an id from the address.
func (q *ask) pathID(name string) (uuid.UUID, error) {
	id, err := uuid.Parse(q.r.PathValue(name))
	if err != nil {
		return uuid.Nil, gone()
	}
	return id, nil
}

// formID reads the id that the page gave to a row it may make. The same form
// sent twice, by a double tap or after a kill, then makes one row.
func (q *ask) formID() (uuid.UUID, error) {
	id, err := uuid.Parse(q.r.FormValue("id"))
	if err != nil || id.Version() != 7 {
		return uuid.Nil, no("wrong.form")
	}
	return id, nil
}

// view reads in one snapshot.
func (q *ask) view(fn func(v *clientsdk.View) error) error {
	if err := q.app.client.View(q.r.Context(), fn); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

// edit writes in one transaction. It goes on when the web view hangs up: a tap
// that arrived counts.
func (q *ask) edit(fn func(e *clientsdk.Edit) error) error {
	if err := q.app.client.Edit(context.WithoutCancel(q.r.Context()), fn); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// me is the person of this phone; uuid.Nil before enrolment.
func (q *ask) me() uuid.UUID {
	id, _ := q.app.client.Identity()
	return id.Person
}
