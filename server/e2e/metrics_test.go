package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/prometheus/client_golang/prometheus"

	"siteledger/server/config"
	"siteledger/syncproto/schema"
)

// TestMetricsDoors: with a listener of their own the numbers are there and
// nowhere else; with a token they want it.
func TestMetricsDoors(t *testing.T) {
	a, _ := runServer(t, t.TempDir(), io.Discard, func(c *config.Config) { c.MetricsListen = "127.0.0.1:0" })
	if code, _ := fetch(t, http.DefaultClient, a.URL()+"/metrics"); code != 404 {
		t.Errorf("/metrics beside a listener of its own: %d", code)
	}
	if code, body := fetch(t, http.DefaultClient, "http://"+a.MetricsAddr()+"/metrics"); code != 200 || !strings.Contains(body, "siteledger_disk_free_bytes") {
		t.Errorf("its own listener: %d %.200s", code, body)
	}
	if code, _ := fetch(t, http.DefaultClient, "http://"+a.MetricsAddr()+"/v1/schema"); code != 404 {
		t.Errorf("the metrics' listener serves more: %d", code)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("0123456789abcdef0123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _ = runServer(t, t.TempDir(), io.Discard, func(c *config.Config) { c.Metrics, c.MetricsToken = "token", file })
	for header, want := range map[string]int{"": 404, "Bearer wrong": 404, "Basic 0123456789abcdef0123": 404, "Bearer 0123456789abcdef0123": 200} {
		if code, _ := fetch(t, http.DefaultClient, a.URL()+"/metrics", "Authorization", header); code != want {
			t.Errorf("%q: %d, want %d", header, code, want)
		}
	}
}

// TestAlerts: every metric that a rule names is there, every rule has its
// lines in the runbook, and there are few enough to be read.
func TestAlerts(t *testing.T) {
	a, _ := startServer(t, t.TempDir())
	names := describeAll(a.Metrics.Registry)
	docs := filepath.Join("..", "docs")
	text, err := os.ReadFile(filepath.Join(docs, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	runbook, err := os.ReadFile(filepath.Join(docs, "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		t.Fatal(err)
	}
	rules := 0
	for _, g := range parsed["groups"].([]any) {
		for _, r := range g.(map[string]any)["rules"].([]any) {
			rules++
			rule := r.(map[string]any)
			name, expr := rule["alert"].(string), rule["expr"].(string)
			for _, m := range regexp.MustCompile(`\b(siteledger|go|process)_[a-z_]+`).FindAllString(expr, -1) {
				if !names[m] && !names[regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(m, "")] {
					t.Errorf("%s: no metric %s", name, m)
				}
			}
			notes, _ := rule["annotations"].(map[string]any)
			if s, _ := notes["summary"].(string); s == "" || notes["runbook"] != "operations.md#"+strings.ToLower(name) {
				t.Errorf("%s: summary or runbook is missing", name)
			}
			if !strings.Contains(string(runbook), "### "+name+"\n") {
				t.Errorf("operations.md does not say what to do about %s", name)
			}
		}
	}
	if rules < 6 || rules > 10 {
		t.Errorf("%d alerts", rules)
	}
	for m := range names {
		if strings.HasPrefix(m, "siteledger_") && !strings.Contains(string(runbook), "`"+m+"`") {
			t.Errorf("operations.md does not explain %s", m)
		}
	}
}

// describeAll gives the names of all metrics of a registry, also of those that
// nothing was counted for yet.
func describeAll(reg *prometheus.Registry) map[string]bool {
	out := map[string]bool{}
	descs := make(chan *prometheus.Desc)
	go func() { reg.Describe(descs); close(descs) }()
	name := regexp.MustCompile(`fqName: "([^"]+)"`)
	for d := range descs {
		out[name.FindStringSubmatch(d.String())[1]] = true
	}
	return out
}

// TestMetricsNameNobody: no label holds an id, and every label has few values.
func TestMetricsNameNobody(t *testing.T) {
	a, centre := startServer(t, t.TempDir())
	installer := person(t, a, centre, "李师傅", schema.Installer)
	newJob(t, a, centre, installer)
	c := openPhone(t, t.TempDir(), a.URL())
	enrol(t, a, c, installer)
	if err := note(c, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	families, err := a.Metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}|[^\x20-\x7e]|\d{7}`)
	for _, f := range families {
		if len(f.Metric) > 200 {
			t.Errorf("%s has %d series", f.GetName(), len(f.Metric))
		}
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if id.MatchString(l.GetValue()) {
					t.Errorf("%s{%s=%q}", f.GetName(), l.GetName(), l.GetValue())
				}
			}
		}
	}
}
