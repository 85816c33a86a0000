package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting is one key: its default and what it means.
type Setting struct {
	Key     string
	Default string
	Doc     string
	set     func(c *Config, value string) error
}

// Env is the key's environment variable.
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

const envPrefix = "SITELEDGER_"

// Settings is every key, in the order of the documentation.
func Settings() []Setting {
	return slices.Concat(generalSettings(), storageSettings(), limitSettings(), sessionSettings())
}

func generalSettings() []Setting {
	return []Setting{
		{"listen", "127.0.0.1:8080", "Address of phones and screens. Port 0 takes a free one.",
			text(func(c *Config) *string { return &c.Listen })},
		{"data", "data", "Folder of the database, the keys and the embedded storage. Back it up whole.",
			text(func(c *Config) *string { return &c.Data })},
		{"database", "", "PostgreSQL database, such as postgres://siteledger@db.example/siteledger?sslmode=verify-full. Empty: a SQLite file in the data folder.",
			text(func(c *Config) *string { return &c.Database.URL })},
		{"database_password_file", "", "File with the password of the database's user.",
			text(func(c *Config) *string { return &c.Database.PasswordFile })},
		{"public_url", "", "How browsers and phones reach the server, such as https://sl.example.com. With https the cookies are Secure. Empty: http:// and the listen address.",
			text(func(c *Config) *string { return &c.PublicURL })},
		{"trusted_proxies", "", "Networks, by commas, whose X-Forwarded-For is believed, such as 127.0.0.1/32 for a proxy on this machine.", setProxies},
		{"tls_cert", "", "PEM file of the server's certificate and chain. Set: https, HTTP/2. It is read again when it changes.",
			text(func(c *Config) *string { return &c.TLS.Cert })},
		{"tls_key", "", "PEM file of its key.",
			text(func(c *Config) *string { return &c.TLS.Key })},
		{"metrics", "local", "Who may read /metrics: local (this machine, not through a proxy), token (whoever has the token), all, off.",
			oneOf(func(c *Config) *string { return &c.Metrics }, "local", "token", "all", "off")},
		{"metrics_listen", "", "Address of a listener for /metrics alone, such as 127.0.0.1:9090; the listen address then has none.",
			text(func(c *Config) *string { return &c.MetricsListen })},
		{"metrics_token_file", "", "File with the bearer token of metrics=token, at least 16 characters.",
			text(func(c *Config) *string { return &c.MetricsToken })},
		{"bootstrap.centre", "", "Name of a service centre to make at the first start.",
			text(func(c *Config) *string { return &c.Bootstrap.Centre })},
		{"bootstrap.centre_phone", "", "Service line of that centre.",
			text(func(c *Config) *string { return &c.Bootstrap.CentrePhone })},
		{"bootstrap.admin", "admin", "Sign-in name of the administrator made at the first start.",
			text(func(c *Config) *string { return &c.Bootstrap.Admin })},
		{"bootstrap.admin_password_file", "", "File with that administrator's password. Empty: one is made up and printed once.",
			text(func(c *Config) *string { return &c.Bootstrap.AdminPasswordFile })},
		{"log.level", "info", "debug, info, warn or error.",
			func(c *Config, v string) error { return c.Log.Level.UnmarshalText([]byte(v)) }},
		{"log.format", "text", "text or json, to stderr.",
			oneOf(func(c *Config) *string { return &c.Log.Format }, "text", "json")},
	}
}

func storageSettings() []Setting {
	return []Setting{
		{"s3.endpoint", "", "Object storage, host:port or URL. Empty: the server's own, over the data folder.",
			text(func(c *Config) *string { return &c.S3.Endpoint })},
		{"s3.public_endpoint", "", "The storage as phones reach it; presigned URLs are signed for it. Empty: s3.endpoint.",
			text(func(c *Config) *string { return &c.S3.PublicEndpoint })},
		{"s3.listen", "127.0.0.1:8081", "Address of the server's own storage. Phones upload to it.",
			text(func(c *Config) *string { return &c.S3.Listen })},
		{"s3.bucket", "siteledger", "Bucket; it must exist in an external storage.",
			text(func(c *Config) *string { return &c.S3.Bucket })},
		{"s3.region", "us-east-1", "Region that requests are signed for.",
			text(func(c *Config) *string { return &c.S3.Region })},
		{"s3.access_key", "", "Access key of an external storage.",
			text(func(c *Config) *string { return &c.S3.AccessKey })},
		{"s3.secret_key_file", "", "File with the secret key of an external storage.",
			text(func(c *Config) *string { return &c.S3.SecretKeyFile })},
		{"s3.ship_ledger", "true", "Put each committed batch of the ledger into the bucket too, for a restore.",
			func(c *Config, v string) (err error) { c.S3.ShipLedger, err = strconv.ParseBool(v); return err }},
		{"s3.tls", "true", "https for an s3.endpoint without a scheme.",
			func(c *Config, v string) (err error) { c.S3.TLS, err = strconv.ParseBool(v); return err }},
	}
}

func limitSettings() []Setting {
	return []Setting{
		{"limits.change_bytes", "65536", "One encoded change.", number(func(c *Config) *int { return &c.Limits.MaxChangeBytes }, 1024, 1<<20)},
		{"limits.batch_changes", "1000", "Changes of one push.", number(func(c *Config) *int { return &c.Limits.MaxBatchChanges }, 16, 10000)},
		{"limits.batch_bytes", "4194304", "Decoded bytes of one push.", number(func(c *Config) *int { return &c.Limits.MaxBatchBytes }, 64<<10, 64<<20)},
		{"limits.txn_changes", "1000", "Changes of one transaction.", number(func(c *Config) *int { return &c.Limits.MaxTxnChanges }, 16, 10000)},
		{"limits.txn_bytes", "1048576", "Encoded bytes of one transaction.", number(func(c *Config) *int { return &c.Limits.MaxTxnBytes }, 64<<10, 16<<20)},
		{"limits.page_rows", "1000", "Rows of one page of a pull.", number(func(c *Config) *int { return &c.Limits.MaxPageRows }, 1, 10000)},
		{"limits.preview_bytes", "32768", "A preview picture.", number64(func(c *Config) *int64 { return &c.Limits.MaxPreviewBytes }, 1024, 1<<20)},
		{"limits.photo_bytes", "52428800", "Any other upload.", number64(func(c *Config) *int64 { return &c.Limits.MaxPhotoBytes }, 64<<10, 1<<30)},
		{"limits.json_bytes", "1048576", "A JSON body.", number(func(c *Config) *int { return &c.Limits.MaxJSONBytes }, 64<<10, 16<<20)},
		{"limits.header_bytes", "32768", "The head of a request.", number(func(c *Config) *int { return &c.Limits.MaxHeaderBytes }, 4096, 1<<20)},
		{"limits.header_timeout", "10s", "Time to send the head of a request.", span(func(c *Config) *time.Duration { return &c.Limits.HeaderTimeout }, 50*time.Millisecond, time.Minute)},
		{"limits.body_grace", "20s", "Time before the least rate of a body counts.", span(func(c *Config) *time.Duration { return &c.Limits.BodyGrace }, 50*time.Millisecond, 10*time.Minute)},
		{"limits.body_rate", "256", "Least bytes a second of a body.", number(func(c *Config) *int { return &c.Limits.BodyRate }, 1, 1<<20)},
		{"limits.write_timeout", "2m", "Time that a caller may take for an answer.", span(func(c *Config) *time.Duration { return &c.Limits.WriteTimeout }, time.Second, time.Hour)},
		{"limits.pushes_per_device", "4", "Pushes of one device at once; as many again wait, others are told to come back.", number(func(c *Config) *int { return &c.Limits.PushesPerDevice }, 1, 100)},
		{"limits.streams_per_device", "3", "Open event streams of one device.", number(func(c *Config) *int { return &c.Limits.StreamsPer }, 1, 100)},
		{"limits.shutdown_timeout", "10s", "Time to finish what is under way at SIGTERM.", span(func(c *Config) *time.Duration { return &c.Limits.ShutdownTimeout }, time.Second, 5*time.Minute)},
		{"limits.drain_wait", "0s", "At SIGTERM, time to go on serving while /readyz says 503, so that a load balancer turns away first.", span(func(c *Config) *time.Duration { return &c.Limits.DrainWait }, 0, time.Minute)},
		{"limits.body_memory", "67108864", "Bytes of request bodies in memory, all callers together.", number64(func(c *Config) *int64 { return &c.Limits.BodyMemory }, 8<<20, 4<<30)},
		{"limits.pushes", "64", "Pushes being committed at once; more wait.", number(func(c *Config) *int { return &c.Limits.Pushes }, 1, 10000)},
		{"limits.pulls", "16", "Pages being read at once; more wait.", number(func(c *Config) *int { return &c.Limits.Pulls }, 1, 10000)},
		{"limits.commits", "16", "Photos being planned or checked at once; more wait.", number(func(c *Config) *int { return &c.Limits.Commits }, 1, 10000)},
		{"limits.waiting", "4096", "Calls of each kind that may wait; one more is told to come back.", number(func(c *Config) *int { return &c.Limits.Waiting }, 1, 1<<20)},
		{"limits.patience", "30s", "Time that a call may wait before it is told to come back.", span(func(c *Config) *time.Duration { return &c.Limits.Patience }, 100*time.Millisecond, 2*time.Minute)},
	}
}

func sessionSettings() []Setting {
	return []Setting{
		{"session.idle", "12h", "A screen's session without a click.", span(func(c *Config) *time.Duration { return &c.Session.Idle }, time.Minute, 30*24*time.Hour)},
		{"session.absolute", "168h", "A screen's session in all.", span(func(c *Config) *time.Duration { return &c.Session.Absolute }, time.Minute, 90*24*time.Hour)},
		{"session.access", "15m", "A phone's access token.", span(func(c *Config) *time.Duration { return &c.Session.Access }, time.Second, 15*time.Minute)},
		{"session.refresh", "2160h", "A phone that does not call in at all; then it needs a new code.", span(func(c *Config) *time.Duration { return &c.Session.Refresh }, time.Hour, 2*365*24*time.Hour)},
		{"session.code", "10m", "An enrolment code.", span(func(c *Config) *time.Duration { return &c.Session.Code }, time.Minute, time.Hour)},
	}
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error { *field(c) = strings.TrimSpace(v); return nil }
}

func oneOf(field func(*Config) *string, allowed ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("want one of %s", strings.Join(allowed, ", "))
		}
		*field(c) = v
		return nil
	}
}

func number(field func(*Config) *int, least, most int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("want a whole number from %d to %d", least, most)
		}
		*field(c) = n
		return nil
	}
}

func number64(field func(*Config) *int64, least, most int64) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < least || n > most {
			return fmt.Errorf("want a whole number from %d to %d", least, most)
		}
		*field(c) = n
		return nil
	}
}

func span(field func(*Config) *time.Duration, least, most time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < least || d > most {
			return fmt.Errorf("want a time such as 90s or 12h, from %s to %s", least, most)
		}
		*field(c) = d
		return nil
	}
}

func setProxies(c *Config, v string) error {
	c.TrustedProxies = nil
	for _, p := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }) {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return fmt.Errorf("%q is no network such as 10.0.0.0/8", p)
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix)
	}
	return nil
}
