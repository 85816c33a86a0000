// Package config turns flags, environment, a YAML file and defaults, in this
// order of strength, into one validated struct.
//
// It never holds a secret: secrets are named by the path of the file that has
// them, and [ReadSecret] is called by whoever needs one. All faults of a
// configuration are reported together, each with its key and where the value
// came from. A key that nobody knows is a fault too: a misspelt limit must not
// pass for a set one.
package config

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"siteledger/syncproto"
)

// Config is everything an operator can set. The text of each key is in
// [Settings].
type Config struct {
	Listen         string
	Data           string
	PublicURL      string
	TrustedProxies []netip.Prefix
	Metrics        string // local, all, token or off
	MetricsListen  string // a listener of their own; empty: none
	MetricsToken   string // file with the token of Metrics "token"
	TLS            TLS

	Database  Database
	Bootstrap Bootstrap
	S3        S3
	Limits    Limits
	Session   Session
	Log       Log
}

// TLS is the server's own certificate; empty where a proxy has it.
type TLS struct {
	Cert string // PEM file, the chain behind it
	Key  string // PEM file
}

// On says whether the server speaks TLS itself.
func (t TLS) On() bool { return t.Cert != "" }

// Database is the PostgreSQL database. Without URL the server keeps everything
// in a SQLite file in the data folder.
type Database struct {
	URL          string
	PasswordFile string // empty: the URL, ~/.pgpass or PGPASSWORD has it, or none is needed
}

// External says whether the database is a PostgreSQL server's.
func (d Database) External() bool { return d.URL != "" }

// Bootstrap is what the first start makes where nothing is there yet.
type Bootstrap struct {
	Centre            string // name of a first service centre; empty: none
	CentrePhone       string // its service line
	Admin             string // sign-in name of the first administrator
	AdminPasswordFile string // empty: a password is made up and printed once
}

// S3 is the object storage. Without Endpoint the server runs its own over the
// data folder.
type S3 struct {
	Endpoint       string
	PublicEndpoint string
	Listen         string // of the embedded storage
	Bucket         string
	Region         string
	AccessKey      string
	SecretKeyFile  string
	TLS            bool
	ShipLedger     bool // put each committed batch into the bucket too
}

// External says whether the storage is somebody else's.
func (s S3) External() bool { return s.Endpoint != "" }

// URL gives an endpoint its scheme where it has none.
func (s S3) URL(endpoint string) string {
	if endpoint == "" || strings.Contains(endpoint, "://") {
		return endpoint
	}
	if s.TLS {
		return "https://" + endpoint
	}
	return "http://" + endpoint
}

// Limits are the protocol's limits and what bounds one caller.
type Limits struct {
	syncproto.Limits
	MaxJSONBytes    int           // a JSON body
	MaxHeaderBytes  int           // the head of a request
	HeaderTimeout   time.Duration // to send the head
	BodyGrace       time.Duration // before the least rate counts
	BodyRate        int           // least bytes a second of a body
	WriteTimeout    time.Duration // to take an answer
	PushesPerDevice int           // at once
	StreamsPer      int           // open event streams of a device
	ShutdownTimeout time.Duration // to drain
	DrainWait       time.Duration // between "not ready" and closing the listener

	BodyMemory int64         // bytes of all request bodies together
	Pushes     int           // being committed at once
	Pulls      int           // pages being read at once
	Commits    int           // photos being checked at once
	Waiting    int           // calls of each kind that may wait
	Patience   time.Duration // of one that waits
}

// Session is how long people and phones stay signed in.
type Session struct {
	Idle     time.Duration
	Absolute time.Duration
	Access   time.Duration
	Refresh  time.Duration
	Code     time.Duration
}

// Log is what is written to stderr.
type Log struct {
	Level  slog.Level
	Format string // text or json
}

// Default is a configuration of which nothing was set.
func Default() Config {
	cfg, faults := decode(nil)
	if len(faults) > 0 {
		panic(faults[0]) // the build itself is broken; a test shows it
	}
	return cfg
}
