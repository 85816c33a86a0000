package phone

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/schema"
)

// Config is what the pages need of their host. Client and Token are required.
type Config struct {
	// Client is the phone's data. The pages never close it and never run its
	// sync: their host does.
	Client *clientsdk.Client
	// Token is this launch's secret: at least 16 random characters, in the first
	// address (/?t=TOKEN) and nowhere else.
	Token string
	// Server is the sync server's address, shown while enrolling.
	Server string
	// Dir holds the phone's own settings (language, PIN). Empty keeps them in
	// memory, for tests.
	Dir string
	// Lang is the language until the person chooses one: "zh-CN" or "en"; empty
	// asks the web view.
	Lang string
	// Zone is the wall clock of the pages; nil is China's, UTC+8. time.Local is
	// no default: on Android it is UTC.
	Zone *time.Location
	// Log takes what went wrong inside; nil discards it.
	Log *slog.Logger
	// Now is the phone's clock; nil means time.Now. Every time that a page
	// records comes from here.
	Now func() time.Time
	// Rand is the source of salts; nil means crypto/rand.
	Rand io.Reader
}

// App is the installers' app as an HTTP handler.
type App struct {
	client   *clientsdk.Client
	schema   *schema.Descriptor
	settings *settings
	fix      lastFix
	server   string
	lang     string
	token    string
	cookie   string
	zone     *time.Location
	log      *slog.Logger
	now      func() time.Time
	rand     io.Reader
	dicts    map[string]dictionary
	pages    map[string]map[string]*template.Template // language, page
	handler  http.Handler
}

// New makes the app. Host it on loopback alone; see [Config] for what the host
// must keep secret.
func New(cfg Config) (*App, error) {
	if cfg.Client == nil {
		return nil, errors.New("phone: no client")
	}
	if len(cfg.Token) < 16 {
		return nil, errors.New("phone: the token is too short to keep other apps out")
	}
	a := &App{
		client: cfg.Client, schema: schema.MustCurrent(), server: cfg.Server, lang: cfg.Lang,
		token: cfg.Token, cookie: cookieName(cfg.Token),
		zone: cfg.Zone, log: cfg.Log, now: cfg.Now, rand: cfg.Rand,
		dicts: map[string]dictionary{}, pages: map[string]map[string]*template.Template{},
	}
	if a.zone == nil {
		a.zone = time.FixedZone("CST", 8*3600)
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.rand == nil {
		a.rand = rand.Reader
	}
	var err error
	if a.settings, err = openSettings(cfg.Dir); err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	icons, err := loadIcons()
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	for _, lang := range []string{langZH, langEN} {
		if a.dicts[lang], err = loadDictionary(lang); err != nil {
			return nil, fmt.Errorf("phone: %w", err)
		}
		if a.pages[lang], err = a.loadPages(lang, icons); err != nil {
			return nil, fmt.Errorf("phone: %w", err)
		}
	}
	a.handler = a.guard(a.routes())
	return a, nil
}

// ServeHTTP answers the web view.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// words are the app's words in the language of this request.
func (a *App) words(r *http.Request) words {
	lang := pickLang(a.settings.get().Lang, a.lang, r.Header.Get("Accept-Language"))
	return words{lang: lang, dict: a.dicts[lang], zone: a.zone, now: a.now}
}

// nowMilli is the phone's clock as rows keep it.
func (a *App) nowMilli() int64 { return a.now().UnixMilli() }
