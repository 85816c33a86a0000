package config_test

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siteledger/server/config"
	"siteledger/syncproto"
)

func load(tb testing.TB, environ []string, args ...string) (config.Config, error) {
	tb.Helper()
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	f := config.AddFlags(fs)
	if err := fs.Parse(args); err != nil {
		tb.Fatal(err)
	}
	return f.Load(environ)
}

func write(tb testing.TB, name, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestDefaultsAreTheProtocols(t *testing.T) {
	cfg := config.Default()
	if cfg.Limits.Limits != syncproto.DefaultLimits() {
		t.Errorf("limits %+v, want the protocol's %+v", cfg.Limits.Limits, syncproto.DefaultLimits())
	}
	if cfg.S3.External() || cfg.Session.Access != 15*time.Minute || cfg.Session.Code != 10*time.Minute {
		t.Errorf("defaults: %+v", cfg)
	}
}

func TestStrengthOfSources(t *testing.T) {
	yaml := write(t, "c.yaml", "listen: 1.1.1.1:1\ndata: from-file\npublic_url: https://file.example\ntrusted_proxies: [10.0.0.0/8, 127.0.0.1/32]\nlimits:\n  json_bytes: 70000\n")
	cfg, err := load(t, []string{"SITELEDGER_LISTEN=2.2.2.2:2", "SITELEDGER_DATA=from-env", "SITELEDGER_S3_PUBLIC_ENDPOINT=s3.example:9000", "HOME=/x"},
		"-config", yaml, "-listen", "3.3.3.3:3")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != "3.3.3.3:3" || cfg.Data != "from-env" || cfg.PublicURL != "https://file.example" || cfg.Limits.MaxJSONBytes != 70000 {
		t.Errorf("got %+v", cfg)
	}
	if len(cfg.TrustedProxies) != 2 || cfg.S3.URL(cfg.S3.PublicEndpoint) != "https://s3.example:9000" {
		t.Errorf("got %+v", cfg)
	}
}

func TestConfigFileFromEnvironment(t *testing.T) {
	cfg, err := load(t, []string{"SITELEDGER_CONFIG=" + write(t, "c.yaml", "data: here\n")})
	if err != nil || cfg.Data != "here" {
		t.Errorf("got %q, %v", cfg.Data, err)
	}
}

func TestFaultsComeTogether(t *testing.T) {
	yaml := write(t, "c.yaml", "listn: x\nmetrics: some\nlimits:\n  batch_changes: 0\n")
	_, err := load(t, []string{"SITELEDGER_SESSION_IDEL=1h", "SITELEDGER_LOG_LEVEL=loud", "SITELEDGER_S3_ENDPOINT=h/path"},
		"-config", yaml, "-listen", "nonsense", "-public_url", "ftp://x", "-session.idle", "200h", "-trusted_proxies", "me")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"listn: no such setting", "metrics: \"some\" from " + yaml, "limits.batch_changes", "SITELEDGER_SESSION_IDEL: no such setting",
		"log.level", "s3.endpoint", "s3.access_key", "s3.secret_key_file", "listen: \"nonsense\"", "public_url", "session.idle: 200h0m0s is longer", "trusted_proxies",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in:\n%v", want, err)
		}
	}
}

func TestSecretsAreFiles(t *testing.T) {
	secret := write(t, "key", "s3cret\n")
	cfg, err := load(t, nil, "-s3.endpoint", "http://127.0.0.1:9000", "-s3.access_key", "k", "-s3.secret_key_file", secret)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := config.ReadSecret(cfg.S3.SecretKeyFile); err != nil || s != "s3cret" {
		t.Errorf("got %q, %v", s, err)
	}
	for _, path := range []string{secret + ".absent", write(t, "empty", "\n")} {
		if _, err := load(t, nil, "-s3.endpoint", "h:1", "-s3.access_key", "k", "-s3.secret_key_file", path); err == nil || !strings.Contains(err.Error(), "s3.secret_key_file") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestBrokenFiles(t *testing.T) {
	for name, path := range map[string]string{"absent": "/nowhere/c.yaml", "no yaml": write(t, "c.yaml", "a: [")} {
		if _, err := load(t, nil, "-config", path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDescribeNamesEveryKey(t *testing.T) {
	table := config.Describe()
	for _, s := range config.Settings() {
		if s.Doc == "" || !strings.Contains(table, "| `"+s.Key+"` | `"+s.Env()+"` |") {
			t.Errorf("%s is not documented", s.Key)
		}
	}
}
