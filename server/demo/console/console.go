// Package console is the demo's own page: where the doors are, how to sign in,
// a switch for the phone's network, fresh enrolment codes, and pictures to take
// along to the phone.
//
// It serves whoever can reach its loopback address, checks that a request came
// from itself, and is no part of the product: no server binary contains it.
package console

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"siteledger/server/demo/scene"
)

//go:embed page.html page.css mark.svg
var files embed.FS

// Network is the line between the phone and the server.
type Network interface {
	IsCut() bool
	Cut() error
	Restore() error
	// IsPaid says that it is mobile data; Pay makes it that, or Wi-Fi again.
	IsPaid() bool
	Pay(paid bool)
}

// Door is one place to click on.
type Door struct {
	ZH, EN string
	URL    string
	Note   string
}

// Account is one way to sign in.
type Account struct {
	Role     string `json:"role"`
	User     string `json:"user"`
	Password string `json:"password"`
}

// Person is somebody who can be given a code for a phone.
type Person struct {
	ID   string
	Name string
}

// Config is what the page shows and moves.
type Config struct {
	Doors    []Door
	Accounts []Account
	People   []Person
	Data     string
	Server   string // as phones reach it
	Network  Network
	// Code makes a one-time enrolment code for a person's id.
	Code   func(ctx context.Context, person string) (code string, expires time.Time, err error)
	Studio *scene.Studio
	Now    func() time.Time
}

type console struct {
	Config
	page *template.Template
}

// New builds the page's handler.
func New(cfg Config) (http.Handler, error) {
	page, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	c := &console{Config: cfg, page: page}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.show)
	for _, name := range []string{"page.css", "mark.svg"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, name) })
	}
	mux.HandleFunc("GET /pictures/{room}/{name}", c.picture)
	mux.HandleFunc("GET /network", c.network)
	mux.HandleFunc("POST /network", c.setNetwork)
	mux.HandleFunc("POST /code", c.code)
	return guard(http.NewCrossOriginProtection().Handler(mux)), nil
}

// guard lets only loopback names in and sets the headers of a page that runs
// no script.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "only on this machine", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// view is what the page is made of.
type view struct {
	*console
	Cut     bool
	Paid    bool
	Code    string
	For     string
	Expires string
	Room    uint64
}

func (c *console) show(w http.ResponseWriter, r *http.Request) { c.render(w, view{}) }

func (c *console) render(w http.ResponseWriter, v view) {
	v.console, v.Cut, v.Paid = c, c.Network.IsCut(), c.Network.IsPaid()
	v.Room = uint64(c.Now().UnixMilli()) // another home each time
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := c.page.Execute(w, v); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
	}
}

// network answers the state in one word, for scripts.
func (c *console) network(w http.ResponseWriter, _ *http.Request) {
	state := "up"
	if c.Network.IsCut() {
		state = "cut"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, state)
}

func (c *console) setNetwork(w http.ResponseWriter, r *http.Request) {
	var err error
	switch r.FormValue("state") {
	case "cut":
		err = c.Network.Cut()
	case "up":
		err = c.Network.Restore()
	case "paid":
		c.Network.Pay(true)
	case "free":
		c.Network.Pay(false)
	default:
		http.Error(w, "state is cut, up, paid or free", http.StatusBadRequest)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (c *console) code(w http.ResponseWriter, r *http.Request) {
	for _, p := range c.People {
		if p.ID != r.FormValue("person") {
			continue
		}
		code, expires, err := c.Code(r.Context(), p.ID)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		c.render(w, view{Code: code, For: p.Name, Expires: expires.Format("15:04")})
		return
	}
	http.Error(w, "no such person", http.StatusNotFound)
}

// picture draws a photograph to take along to the phone: a kitchen with one
// door of another colour, whole or close up.
func (c *console) picture(w http.ResponseWriter, r *http.Request) {
	room, err := strconv.ParseUint(r.PathValue("room"), 10, 64)
	view, ok := strings.CutSuffix(r.PathValue("name"), ".jpg")
	if err != nil || !ok || view != string(scene.Full) && view != string(scene.Close) && view != string(scene.After) {
		http.NotFound(w, r)
		return
	}
	spec := scene.Spec{
		Seed: room, ID: fmt.Sprintf("DEMO-%d %s", room%1e6, view), Fault: scene.DoorColour, View: scene.View(view),
		Width: 4000, Height: 3000, Orientation: 1, Taken: c.Now().In(time.FixedZone("CST", 8*3600)), Model: "SiteLedger demo",
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Content-Disposition", `attachment; filename="`+view+"-"+strconv.FormatUint(room, 10)+`.jpg"`)
	_, _ = w.Write(c.Studio.Photo(spec))
}
