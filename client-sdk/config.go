package clientsdk

import (
	"cmp"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Config is everything a client needs from its host. Dir and Server are
// required; every other field has a default.
type Config struct {
	// Dir is the folder that holds all of this phone's data: the database file,
	// the photos and the device's key. It is made if it is not there.
	Dir string
	// Server is the base URL of the sync server, without a path.
	Server string
	// HTTP sends the requests; nil means one with the SDK's own timeouts. Its
	// CheckRedirect and Jar are not used.
	HTTP *http.Client
	// Now is the phone's clock; nil means time.Now.
	Now func() time.Time
	// NewID makes the ids of rows and logs, UUIDv7; nil makes them of Rand and the
	// machine's clock.
	NewID func() (uuid.UUID, error)
	// Rand is the source of keys, ids and jitter; nil means crypto/rand.
	Rand io.Reader
	// Mono is a monotonic clock that counts sleep, in milliseconds since the
	// boot that it names. Nil means the app's own start, under a new id.
	Mono func() (boot uuid.UUID, ms uint64)
	// FreeBytes says how much room the disk of dir has; nil asks the system.
	FreeBytes func(dir string) (int64, error)
	// Reserve is the room in bytes that must stay free after a photo is stored,
	// so that the log can always be written. 0 means [DefaultReserve].
	Reserve int64
	// Keys stores the device's private key; nil means a file of mode 0600 in Dir.
	Keys Keystore
	// Metered says that the present network costs money; the [UploadRule] then
	// says which originals wait, all else goes. It is asked before each photo, so
	// it must be quick; call [Client.Nudge] when it changes. Nil means never.
	Metered func() bool
	// UploadsAtOnce is how many photos may go at the same time once the first one
	// got through. 0 means [DefaultUploadsAtOnce].
	UploadsAtOnce int
	// Log takes the SDK's log lines; nil discards them.
	Log *slog.Logger

	Platform, Model, App string // told to the server at enrolment

	// Schema is the version of the schema that this phone works with: what it
	// records with, and what it asks to be shown. Nil means this build's newest.
	// An earlier one makes the phone what an app of that version is.
	Schema *schema.Descriptor

	// Backoff is how long the client waits after a failure.
	Backoff Backoff
	// Poll is how often a quiet client asks for news when no event comes.
	// 0 means [DefaultPoll].
	Poll time.Duration
}

// Backoff is the wait after the n-th failure in a row: a random time between
// half of and the whole of min(Max, Min·2ⁿ⁻¹).
type Backoff struct {
	Min, Max time.Duration // 0 means DefaultBackoffMin, DefaultBackoffMax
}

// Defaults, each with its reason.
const (
	// DefaultBackoffMin is short: most failures on a phone are a tunnel or a lift.
	DefaultBackoffMin = 2 * time.Second
	// DefaultBackoffMax bounds the wait after the network is back unnoticed.
	DefaultBackoffMax = 5 * time.Minute
	// DefaultPoll covers a lost event stream at the cost of one small request.
	DefaultPoll = 5 * time.Minute
	// DefaultReserve keeps room for about a month of log.
	DefaultReserve = 64 << 20
	// ReceiptsLow is how few receipt numbers make the client ask for more
	// (FP-03): more than a technician writes on a day without network.
	ReceiptsLow = 20
	// DefaultUploadsAtOnce hides the time in which the server reads a photo back
	// behind the sending of the next.
	DefaultUploadsAtOnce = 3
	// KeepDays is how long acknowledged changes and photos stay on the phone, so
	// that a server restored from a backup can be healed.
	KeepDays = 35
)

// Keystore keeps small secrets, such as an Android keystore does. Load gives
// nil and no error for a name that is not there. Save must be durable when it
// returns. Delete of a name that is not there is no error.
type Keystore interface {
	Load(name string) ([]byte, error)
	Save(name string, secret []byte) error
	Delete(name string) error
}

// complete fills in the defaults.
func (cfg Config) complete() (Config, error) {
	if cfg.Dir == "" {
		return cfg, &Error{Code: CodeInternal, ZH: "没有指定数据文件夹。", EN: "No data folder is given."}
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Transport: http.DefaultTransport}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.NewID == nil {
		cfg.NewID = func() (uuid.UUID, error) { return uuid.NewV7FromReader(cfg.Rand) }
	}
	if cfg.Mono == nil {
		boot, err := cfg.NewID()
		if err != nil {
			return cfg, err
		}
		started := time.Now()
		cfg.Mono = func() (uuid.UUID, uint64) { return boot, uint64(time.Since(started).Milliseconds()) }
	}
	if cfg.FreeBytes == nil {
		cfg.FreeBytes = freeBytes
	}
	cfg.UploadsAtOnce = cmp.Or(cfg.UploadsAtOnce, DefaultUploadsAtOnce)
	if cfg.Keys == nil {
		cfg.Keys = fileKeys{cfg.Dir}
	}
	if cfg.Metered == nil {
		cfg.Metered = func() bool { return false }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Schema == nil {
		cfg.Schema = schema.MustCurrent()
	}
	cfg.Reserve = cmp.Or(cfg.Reserve, DefaultReserve)
	cfg.Poll = cmp.Or(cfg.Poll, DefaultPoll)
	cfg.Backoff.Min = cmp.Or(cfg.Backoff.Min, DefaultBackoffMin)
	cfg.Backoff.Max = max(cfg.Backoff.Min, cmp.Or(cfg.Backoff.Max, DefaultBackoffMax))
	return cfg, nil
}
