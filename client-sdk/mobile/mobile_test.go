package mobile_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"

	"siteledger/client-sdk/mobile"
)

// shell is a host whose calls can be made to fail.
type shell struct {
	mu     sync.Mutex
	keys   map[string][]byte
	status chan string
	panics bool
}

func newShell() *shell { return &shell{keys: map[string][]byte{}, status: make(chan string, 100)} }

func (s *shell) KeyLoad(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[name], nil
}

func (s *shell) KeySave(name string, secret []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[name] = secret
	return nil
}

func (s *shell) KeyDelete(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, name)
	return nil
}

func (s *shell) FreeBytes() (int64, error) {
	if s.panics {
		panic("the shell broke")
	}
	return 100, nil
}
func (s *shell) Metered() (bool, error)       { return false, errors.New("unknown") }
func (s *shell) BootID() (string, error)      { return "", nil }
func (s *shell) UptimeMillis() (int64, error) { return 0, nil }
func (s *shell) Zone() (string, error)        { return "Asia/Shanghai", nil }
func (s *shell) OnStatus(text string) error {
	select {
	case s.status <- text:
	default:
	}
	return nil
}

func TestShell(t *testing.T) {
	host := newShell()
	app, err := mobile.Open(t.TempDir(), "http://127.0.0.1:1", host)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	view := &http.Client{Jar: jar}
	res, err := view.Get(app.UIURL())
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(page), "<html") {
		t.Errorf("the web view got %d %v", res.StatusCode, err)
	}
	base, _, _ := strings.Cut(app.UIURL(), "?")
	if res, err := http.Get(base); err != nil || res.StatusCode == http.StatusOK {
		t.Errorf("another app got in: %v", err)
	}
	if wanted, err := app.WantsPosition(); err != nil || wanted {
		t.Errorf("a position is wanted before anybody agreed: %v", err)
	}
	if err := app.Position(30.25, 120.17, 8, 1, true); err != nil {
		t.Errorf("a position: %v", err)
	}
	var st struct {
		Enrolled bool `json:"enrolled"`
		Pending  int  `json:"pending"`
	}
	if err := json.Unmarshal([]byte(<-host.status), &st); err != nil || st.Enrolled {
		t.Errorf("status %+v %v", st, err)
	}
	for name, call := range map[string]func() error{
		"offline":      func() error { return app.Enrol("code") },
		"not-enrolled": func() error { _, err := app.Sync(); return err },
		"storage-full": func() error { return app.CanCapture(1) },
	} {
		if err := call(); err == nil || !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), " / ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	host.panics = true
	if err := app.CanCapture(1); err == nil || !strings.HasPrefix(err.Error(), "internal: ") {
		t.Errorf("a panic became %v", err)
	}
	host.panics = false
	if err := app.Close(); err != nil {
		t.Error(err)
	}
	if _, err := mobile.Open(t.TempDir(), "no address", host); err == nil {
		t.Error("a wrong address was taken")
	}
}
