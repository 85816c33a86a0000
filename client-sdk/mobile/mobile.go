package mobile

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/phone"
)

// App is an open phone with its pages on loopback.
type App struct {
	client *clientsdk.Client
	pages  *phone.App
	host   Host
	url    string
	server *http.Server
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// Open opens the phone's data in dataDir and serves its pages. It never waits
// for the network.
func Open(dataDir, serverURL string, host Host) (app *App, err error) {
	defer survive(&err)
	if host == nil {
		return nil, errors.New("internal: 缺少宿主接口。 / the shell gave no host")
	}
	client, err := clientsdk.Open(clientsdk.Config{
		Dir: dataDir, Server: serverURL, Keys: keys{host}, Mono: mono(host), Metered: metered(host),
		FreeBytes: func(string) (int64, error) { return host.FreeBytes() },
		Platform:  "mobile", App: "siteledger-phone",
	})
	if err != nil {
		return nil, told(err)
	}
	a := &App{client: client, host: host}
	if err := a.serve(dataDir, serverURL); err != nil {
		return nil, told(errors.Join(err, client.Close()))
	}
	return a, nil
}

func (a *App) serve(dataDir, serverURL string) error {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(secret)
	pages, err := phone.New(phone.Config{Client: a.client, Token: token, Server: serverURL, Dir: dataDir, Zone: zone(a.host)})
	if err != nil {
		return err
	}
	a.pages = pages
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return fmt.Errorf("listen: %w", err)
	}
	a.url = "http://" + listener.Addr().String() + "/?t=" + token
	a.cancel = cancel
	a.server = &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	a.work.Go(func() { a.alone(func() error { return a.server.Serve(listener) }) })
	a.work.Go(func() { a.alone(func() error { return a.client.Run(ctx) }) })
	a.work.Go(func() { a.alone(func() error { return a.tell(ctx) }) })
	return nil
}

// alone runs background work; what ends it is seen in the status, and a panic
// must not end the shell's process.
func (a *App) alone(fn func() error) {
	var err error
	defer survive(&err)
	err = fn()
}

// tell passes the status on whenever it changed.
func (a *App) tell(ctx context.Context) error {
	changes, stop := a.client.Watch()
	defer stop()
	for {
		if text, err := a.Status(); err == nil {
			_ = a.host.OnStatus(text) // the shell's trouble; the next change tells again
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changes:
		}
	}
}

// UIURL is where the web view should point, this launch's token included.
func (a *App) UIURL() string { return a.url }

// Close ends the pages and the sync and closes the files. What was recorded
// stays; a sync that was under way goes on at the next Open.
func (a *App) Close() (err error) {
	defer survive(&err)
	a.cancel()
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = a.server.Shutdown(closing)
	if err != nil {
		err = errors.Join(err, a.server.Close())
	}
	a.work.Wait()
	return told(errors.Join(err, a.client.Close()))
}

// Enrol trades a one-time code for an identity; it needs the network.
func (a *App) Enrol(code string) (err error) {
	defer survive(&err)
	return told(a.client.Enrol(context.Background(), code))
}

// Sync does one whole round now and gives what it did as JSON. A shell calls it
// from its background job; while the app is open it syncs by itself.
func (a *App) Sync() (done string, err error) {
	defer survive(&err)
	round, err := a.client.Sync(context.Background())
	if err != nil {
		return "", told(err)
	}
	return text(map[string]any{"pushed": round.Pushed, "pulled": round.Pulled, "uploaded": round.Uploaded, "waiting": round.Waiting})
}

// Nudge tells that the network came back, or is another one: Wi-Fi instead of
// mobile data.
func (a *App) Nudge() (err error) {
	defer survive(&err)
	a.client.Nudge()
	return nil
}

// WantsPosition says whether the technician agreed that photos and arrivals get
// a position. A shell asks before it turns its receiver on, and turns it on only
// while it is in the foreground.
func (a *App) WantsPosition() (wanted bool, err error) {
	defer survive(&err)
	return a.pages.WantsPosition(), nil
}

// Position tells where the phone is: WGS-84 degrees, the radius in metres within
// which it is two times of three (0: unknown), when that was measured, Unix
// milliseconds, and what the system says of its truth (isMock): a web view alone
// can't know that. It is dropped where nobody agreed to it.
func (a *App) Position(latitude, longitude, metres float64, at int64, mock bool) (err error) {
	defer survive(&err)
	a.pages.SetPosition(latitude, longitude, metres, time.UnixMilli(at), mock)
	return nil
}

// Status is the truth about the sync as JSON; times are Unix milliseconds, 0
// for never.
func (a *App) Status() (status string, err error) {
	defer survive(&err)
	st, err := a.client.Status(context.Background())
	if err != nil {
		return "", told(err)
	}
	waiting, wifi := 0, 0
	for _, u := range st.Uploads {
		if u.State != clientsdk.Verified && u.State != clientsdk.Stored {
			waiting++
		}
		if u.Waits {
			wifi++
		}
	}
	return text(map[string]any{
		"enrolled": st.Enrolled, "pending": st.Pending, "held": st.Held, "only_here": st.OnlyHere, "unattached": st.Unattached, "uploads_waiting": waiting,
		"metered": st.Metered, "upload_rule": st.UploadRule, "uploads_wait_wifi": wifi,
		"last_success": millis(st.LastSuccess), "next_try": millis(st.NextTry), "syncing": st.Syncing,
		"problem": map[string]string{"code": string(st.Problem.Code), "zh": st.Problem.ZH, "en": st.Problem.EN, "request": st.Problem.Request},
	})
}

// CanCapture says, before the camera opens, whether a photo of about size bytes
// has room.
func (a *App) CanCapture(size int64) (err error) {
	defer survive(&err)
	return told(a.client.CanCapture(context.Background(), size))
}

// SignOut forgets the person. With unsent work it is refused, unless a
// supervisor's code is given; "" for none.
func (a *App) SignOut(supervisorCode string) (err error) {
	defer survive(&err)
	return told(a.client.SignOut(context.Background(), supervisorCode))
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func text(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("internal: %w", err)
	}
	return string(b), nil
}

// told is an error as the shell may show it.
func told(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s / %s", clientsdk.CodeOf(err), clientsdk.Explain(err, "zh-CN"), clientsdk.Explain(err, "en"))
}

// survive turns a panic into an error.
func survive(err *error) {
	if p := recover(); p != nil {
		*err = errPanic
	}
}
