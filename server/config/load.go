package config

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// Flags are the settings given on a command line.
type Flags struct {
	fs   *flag.FlagSet
	file string
}

// AddFlags declares -config and one flag for each of the keys; no keys
// declares all of them.
func AddFlags(fs *flag.FlagSet, keys ...string) *Flags {
	f := &Flags{fs: fs}
	fs.StringVar(&f.file, "config", "", "YAML `file` of settings; also "+envPrefix+"CONFIG")
	for _, s := range Settings() {
		if len(keys) == 0 || slices.Contains(keys, s.Key) {
			usage := s.Doc
			if s.Default != "" {
				usage += " Default " + s.Default + "."
			}
			fs.String(s.Key, "", usage)
		}
	}
	return f
}

// Load reads the settings after the flags were parsed. environ is
// os.Environ(). All faults come back joined in one error.
func (f *Flags) Load(environ []string) (Config, error) {
	var layers []layer
	path := f.file
	if path == "" {
		path = lookup(environ, envPrefix+"CONFIG")
	}
	var faults []error
	if path != "" {
		l, err := fileLayer(path)
		if err != nil {
			faults = append(faults, err)
		}
		layers = append(layers, l)
	}
	l, bad := envLayer(environ)
	faults = append(faults, bad...)
	layers = append(layers, l, f.layer())
	cfg, more := decode(layers)
	return cfg, errors.Join(append(faults, more...)...)
}

// layer is the keys of one source.
type layer struct {
	source string
	k      *koanf.Koanf
}

func fileLayer(path string) (layer, error) {
	l := layer{source: path, k: koanf.New(".")}
	if err := l.k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return l, fmt.Errorf("config file %s: %w", path, err)
	}
	return l, nil
}

func envLayer(environ []string) (layer, []error) {
	l := layer{source: "the environment", k: koanf.New(".")}
	known := map[string]string{}
	for _, s := range Settings() {
		known[s.Env()] = s.Key
	}
	var faults []error
	p := env.Provider(".", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			key, ok := known[name]
			if !ok && name != envPrefix+"CONFIG" && !strings.HasPrefix(name, envPrefix+"TEST_") {
				faults = append(faults, fmt.Errorf("%s: no such setting", name))
			}
			return key, value
		},
	})
	if err := l.k.Load(p, nil); err != nil {
		faults = append(faults, fmt.Errorf("environment: %w", err))
	}
	return l, faults
}

func (f *Flags) layer() layer {
	l := layer{source: "a flag", k: koanf.New(".")}
	given := map[string]any{}
	known := map[string]bool{}
	for _, s := range Settings() {
		known[s.Key] = true
	}
	f.fs.Visit(func(fl *flag.Flag) {
		if known[fl.Name] {
			given[fl.Name] = fl.Value.String()
		}
	})
	_ = l.k.Load(confmap.Provider(given, "."), nil) // a map in memory cannot fail
	return l
}

func lookup(environ []string, name string) string {
	for _, e := range environ {
		if k, v, _ := strings.Cut(e, "="); k == name {
			return v
		}
	}
	return ""
}

// decode lays the layers over the defaults, the last the strongest, and
// checks the whole.
func decode(layers []layer) (Config, []error) {
	var cfg Config
	var faults []error
	known := map[string]bool{}
	for _, s := range Settings() {
		known[s.Key] = true
		value, source := s.Default, "the default"
		for _, l := range layers {
			if l.k.Exists(s.Key) {
				value, source = plain(l.k.Get(s.Key)), l.source
			}
		}
		if err := s.set(&cfg, value); err != nil {
			faults = append(faults, fmt.Errorf("%s: %q from %s: %w", s.Key, value, source, err))
		}
	}
	for _, l := range layers {
		for _, key := range l.k.Keys() {
			if !known[key] {
				faults = append(faults, fmt.Errorf("%s: no such setting, in %s", key, l.source))
			}
		}
	}
	return cfg, append(faults, cfg.check()...)
}

// plain writes a YAML value as the text that the other sources have.
func plain(v any) string {
	if list, ok := v.([]any); ok {
		parts := make([]string, len(list))
		for i, x := range list {
			parts[i] = fmt.Sprint(x)
		}
		return strings.Join(parts, ",")
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// check looks at what one key alone cannot tell.
func (c *Config) check() []error {
	var faults []error
	add := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	for key, addr := range map[string]string{"listen": c.Listen, "s3.listen": c.S3.Listen} {
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			add(key, "%q is no address such as 127.0.0.1:8080", addr)
		}
	}
	if c.MetricsListen != "" {
		if _, port, err := net.SplitHostPort(c.MetricsListen); err != nil || port == "" {
			add("metrics_listen", "%q is no address such as 127.0.0.1:9090", c.MetricsListen)
		}
	}
	if c.Metrics == "token" && c.MetricsToken == "" {
		add("metrics_token_file", "is needed with metrics=token")
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		add("tls_cert", "needs tls_key, and the other way round")
	}
	if u := c.Database.URL; u != "" && !strings.HasPrefix(u, "postgres://") && !strings.HasPrefix(u, "postgresql://") {
		add("database", "must begin with postgres://") // without its text, which may hold a password
	}
	if c.Database.PasswordFile != "" && !c.Database.External() {
		add("database_password_file", "is of use with database only")
	}
	if c.Data == "" {
		add("data", "a folder is needed")
	}
	if c.PublicURL != "" && !origin(c.PublicURL) {
		add("public_url", "%q must be http(s)://host or http(s)://host:port, without a path", c.PublicURL)
	}
	if c.S3.PublicEndpoint != "" && !origin(c.S3.URL(c.S3.PublicEndpoint)) {
		add("s3.public_endpoint", "%q must be a host or URL without a path", c.S3.PublicEndpoint)
	}
	if c.S3.External() {
		if !origin(c.S3.URL(c.S3.Endpoint)) {
			add("s3.endpoint", "%q must be a host or URL without a path", c.S3.Endpoint)
		}
		if c.S3.AccessKey == "" {
			add("s3.access_key", "is needed with s3.endpoint")
		}
		if c.S3.SecretKeyFile == "" {
			add("s3.secret_key_file", "is needed with s3.endpoint")
		}
	}
	if c.S3.Bucket == "" {
		add("s3.bucket", "a name is needed")
	}
	for key, path := range map[string]string{"s3.secret_key_file": c.S3.SecretKeyFile, "bootstrap.admin_password_file": c.Bootstrap.AdminPasswordFile, "metrics_token_file": c.MetricsToken, "database_password_file": c.Database.PasswordFile} {
		if path != "" {
			if _, err := ReadSecret(path); err != nil {
				add(key, "%v", err)
			}
		}
	}
	if c.Session.Idle > c.Session.Absolute {
		add("session.idle", "%s is longer than session.absolute, %s", c.Session.Idle, c.Session.Absolute)
	}
	if c.Limits.MaxTxnBytes > c.Limits.MaxBatchBytes {
		add("limits.txn_bytes", "a transaction must fit into a batch (limits.batch_bytes)")
	}
	if c.Limits.MaxTxnChanges > c.Limits.MaxBatchChanges {
		add("limits.txn_changes", "a transaction must fit into a batch (limits.batch_changes)")
	}
	return faults
}

func origin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// ReadSecret reads a secret from its file, without the line's end.
func ReadSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", fmt.Errorf("read secret: %s is empty", path)
	}
	return s, nil
}

// Describe gives the table of all keys for the documentation, in Markdown.
func Describe() string {
	var b strings.Builder
	b.WriteString("| key | environment | default | meaning |\n|---|---|---|---|\n")
	for _, s := range Settings() {
		def := "–"
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Key, s.Env(), def, s.Doc)
	}
	return b.String()
}
