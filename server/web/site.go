package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// Sessions is what the shell needs of the people's sign-in.
type Sessions interface {
	// SignIn checks a name and password; remote is the caller's address, for
	// the brake on guessing. Wrong name and wrong password answer alike.
	SignIn(ctx context.Context, login, password, remote string) (session string, p Person, err error)
	// Session finds the person of a cookie and the session's form token.
	Session(ctx context.Context, token string) (p Person, csrf string, err error)
	SignOut(ctx context.Context, token string) error
}

// Pokes tells when something in a centre changed; *feed.Feed has it.
type Pokes interface {
	Subscribe(centre uuid.UUID) (pokes <-chan struct{}, cancel func())
}

// Config is what the shell is built of.
type Config struct {
	Sessions Sessions
	Pokes    Pokes // nil: pages do not refresh by themselves
	Areas    []Area
	// SetLanguage keeps a person's choice; nil leaves it to the browser's cookie.
	SetLanguage func(ctx context.Context, p Person, language string) error
	Schema      *schema.Descriptor // names of columns and values
	Now         func() time.Time
	Log         *slog.Logger
	Secure      bool           // people reach the site by https: Secure and __Host- cookies, HSTS
	Zone        *time.Location // wall clock of the screens; nil is China's, UTC+8
}

// DefaultZone is the wall clock of the screens: China has one, without
// summer time.
func DefaultZone() *time.Location { return time.FixedZone("CST", 8*3600) }

// Site serves the doors. It is safe for concurrent use.
type Site struct {
	cfg     Config
	words   *words
	pages   pages
	static  *static
	routes  []Route
	mux     *http.ServeMux
	origins *http.CrossOriginProtection
}

// New builds the site. A word missing in one language and a route without roles
// are errors here, not on a page; so is a template that does not parse, for
// [Site.ParsePages].
func New(cfg Config) (*Site, error) {
	if cfg.Sessions == nil || cfg.Now == nil || cfg.Log == nil || cfg.Schema == nil {
		return nil, errors.New("web: sessions, clock, log and schema are needed")
	}
	if cfg.Zone == nil {
		cfg.Zone = DefaultZone()
	}
	s := &Site{cfg: cfg, mux: http.NewServeMux(), origins: http.NewCrossOriginProtection()}
	var err error
	if s.words, err = loadWords(cfg.Areas); err != nil {
		return nil, err
	}
	if s.static, err = loadStatic(cfg.Areas); err != nil {
		return nil, err
	}
	if s.pages, err = loadPages(cfg.Areas); err != nil {
		return nil, err
	}
	s.routes = s.ownRoutes()
	for _, a := range cfg.Areas {
		s.routes = append(s.routes, a.Routes...)
	}
	for _, r := range s.routes {
		if err := r.check(); err != nil {
			return nil, err
		}
		s.mux.Handle(r.Method+" "+r.Path, s.serve(r))
	}
	s.mux.Handle("GET /static/", s.static)
	s.mux.Handle("/", s.serve(Route{Public: true, Handler: noSuchPage}))
	return s, nil
}

// Routes is the whole route table, the shell's own rows first.
func (s *Site) Routes() []Route { return slices.Clone(s.routes) }

// Dictionary gives the words of one language, for tests of the doors.
func (s *Site) Dictionary(lang string) map[string]string { return s.words.of(lang) }

// ServeHTTP serves one request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.headers(w)
	s.mux.ServeHTTP(w, r)
}

// home is the first page of a person's door.
func (s *Site) home(role schema.Role) string {
	for _, a := range s.cfg.Areas {
		if slices.Contains(a.Roles, role) {
			return a.Home
		}
	}
	return "/signin"
}

func (s *Site) area(path string, role schema.Role) *Area {
	for i, a := range s.cfg.Areas {
		if len(path) >= len(a.Name)+1 && path[1:1+len(a.Name)] == a.Name {
			return &s.cfg.Areas[i]
		}
	}
	for i, a := range s.cfg.Areas {
		if slices.Contains(a.Roles, role) {
			return &s.cfg.Areas[i]
		}
	}
	return nil
}

func (s *Site) ownRoutes() []Route {
	all := []schema.Role{schema.Clerk, schema.Supervisor, schema.Adjudicator, schema.Admin}
	return []Route{
		{Method: "GET", Path: "/{$}", Public: true, Handler: goHome},
		{Method: "GET", Path: "/signin", Public: true, Handler: signInPage},
		{Method: "POST", Path: "/signin", Public: true, Handler: signIn},
		{Method: "POST", Path: "/signout", Roles: all, Handler: signOut},
		{Method: "POST", Path: "/language", Public: true, Handler: language},
		{Method: "GET", Path: "/events", Roles: all, Handler: events},
	}
}

func goHome(c *Context) error {
	if c.Person.ID == uuid.Nil {
		return c.Redirect("/signin")
	}
	return c.Redirect(c.site.home(c.Person.Role))
}

func (s *Site) String() string { return fmt.Sprintf("web: %d routes", len(s.routes)) }
