package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knadh/koanf/parsers/yaml"

	"siteledger/server/config"
)

// TestComposeFile: its settings are settings and go together, what a service
// names is declared, and nothing stays down that ended. Whether the containers
// run is not tried.
func TestComposeFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		t.Fatal(err)
	}
	services, _ := file["services"].(map[string]any)
	for name, s := range services {
		service := s.(map[string]any)
		if r := service["restart"]; r != "always" {
			t.Errorf("%s: restart %v", name, r)
		}
		declared(t, file, name, "secrets", service["secrets"])
		declared(t, file, name, "volumes", service["volumes"])
		declared(t, file, name, "configs", service["configs"])
	}
	own, _ := services["siteledger"].(map[string]any)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a-secret-of-the-test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var environ []string
	for k, v := range own["environment"].(map[string]any) {
		value, _ := v.(string)
		if name, ok := strings.CutPrefix(value, "/run/secrets/"); ok {
			declared(t, file, "siteledger", "secrets", []any{name})
			value = secret
		}
		environ = append(environ, k+"="+value)
	}
	c := loads(t, environ)
	if !c.Database.External() || !c.S3.External() || c.PublicURL == "" || c.S3.PublicEndpoint == "" {
		t.Errorf("%+v", c)
	}
	caddy := file["configs"].(map[string]any)["caddy"].(map[string]any)["content"].(string)
	for _, url := range []string{c.PublicURL, c.S3.PublicEndpoint} {
		if host := strings.TrimPrefix(url, "https://"); !strings.Contains(caddy, host+" {") {
			t.Errorf("the proxy does not know %s", host)
		}
	}
	stop, err := time.ParseDuration(own["stop_grace_period"].(string))
	if err != nil || stop <= c.Limits.DrainWait+c.Limits.ShutdownTimeout {
		t.Errorf("stopped within %s, draining takes %s and %s", stop, c.Limits.DrainWait, c.Limits.ShutdownTimeout)
	}
}

// loads wants settings that a server starts with.
func loads(t *testing.T, environ []string) config.Config {
	t.Helper()
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags := config.AddFlags(fs)
	if err := fs.Parse(nil); err != nil {
		t.Fatal(err)
	}
	c, err := flags.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// declared wants that what a service uses stands in the file's own list.
func declared(t *testing.T, file map[string]any, service, kind string, used any) {
	t.Helper()
	list, _ := used.([]any)
	all, _ := file[kind].(map[string]any)
	for _, u := range list {
		name, _ := u.(string)
		if m, ok := u.(map[string]any); ok {
			name, _ = m["source"].(string)
		}
		name, _, _ = strings.Cut(name, ":")
		if _, ok := all[name]; !ok {
			t.Errorf("%s: no %s %q is declared", service, kind, name)
		}
	}
}

// TestSystemdUnit: every line is one of a unit, the settings are settings, and
// what it gives the server is enough to drain.
func TestSystemdUnit(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "siteledger.service"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^(#.*|\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=.*|)$`)
	set := map[string][]string{}
	for _, l := range strings.Split(string(text), "\n") {
		if !line.MatchString(l) {
			t.Errorf("%q", l)
		}
		if k, v, ok := strings.Cut(l, "="); ok && !strings.HasPrefix(l, "#") {
			set[k] = append(set[k], v)
		}
	}
	var environ []string
	for _, e := range set["Environment"] {
		if strings.HasPrefix(e, "SITELEDGER_") {
			environ = append(environ, e)
		}
	}
	c := loads(t, environ)
	if state := "/var/lib/" + set["StateDirectory"][0]; c.Data != state {
		t.Errorf("data in %s, and the unit may write to %s", c.Data, state)
	}
	stop, err := time.ParseDuration(set["TimeoutStopSec"][0] + "s")
	if err != nil || stop <= c.Limits.DrainWait+c.Limits.ShutdownTimeout {
		t.Errorf("stopped within %s, draining takes %s and %s", stop, c.Limits.DrainWait, c.Limits.ShutdownTimeout)
	}
	if !slices.Equal(set["Restart"], []string{"always"}) || !strings.Contains(set["ExecStart"][0], " serve ") || set["KillSignal"][0] != "SIGTERM" {
		t.Errorf("%v %v %v", set["Restart"], set["ExecStart"], set["KillSignal"])
	}
}
