// Package embedded is the default object storage: an S3 endpoint over a plain
// folder, spoken to by the same client as any other S3.
//
// It knows one bucket and one pair of keys. Every request is checked against
// AWS Signature Version 4, in the header or in a presigned URL, before
// anything is looked at or written; there is no anonymous access and no switch
// to get it. An answer of 200 to a write means that the bytes had the signed
// length and hash and are on the disk: temp file, fsync, rename, fsync of
// every folder on the way. A client that dies in the middle publishes nothing.
// Multipart uploads live on the disk too and survive a restart.
//
// It must never follow a key out of its folder, accept an operation that it
// only half understands (such are answered 501), or write a query string to a
// log: a presigned URL is a credential.
//
// Left out on purpose: several buckets, versions, copies, tags, ACLs, user
// metadata, virtual-host addressing, CORS (phones are no browsers). What an
// object is, who sent it and what type it has stands in the ledger, not here.
package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"
)

// Config says where the objects lie and who may come.
type Config struct {
	// Dir is the folder; it is made where missing. Objects lie under
	// Dir/Bucket by their keys, so that sha256sum and rsync work on them.
	Dir string
	// AccessKey and SecretKey are the only credentials; the secret has at
	// least 16 characters.
	AccessKey, SecretKey string
	// Region is part of each signature; "us-east-1" where empty.
	Region string
	// Bucket is the only bucket, made at start.
	Bucket string
	// MaxObjectBytes bounds one object and one part; 1 GiB where 0.
	MaxObjectBytes int64
	// Now is the clock that signatures are judged by; time.Now where nil.
	Now func() time.Time
	// Log takes faults of the disk; never a query string.
	Log *slog.Logger
}

// DefaultRegion is signed for where the configuration names none.
const DefaultRegion = "us-east-1"

// DefaultMaxObjectBytes bounds an object where the configuration does not.
const DefaultMaxObjectBytes = 1 << 30

// staleAfter is the age from which a temp file or an unfinished multipart
// upload that nobody touched is swept at start.
const (
	staleTemp   = 24 * time.Hour
	staleUpload = 36 * 24 * time.Hour
)

// Server is the endpoint, an http.Handler for a listener of its own: it
// answers at the root, since a path prefix can't be signed for.
type Server struct {
	bucket string
	max    int64
	sig    verifier
	folder *folder
	log    *slog.Logger
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// New opens the folder, makes the bucket and sweeps what a crash left behind
// long ago. Several servers in one process are fine; two processes must not
// share a folder for writing.
func New(cfg Config) (*Server, error) {
	if !bucketName.MatchString(cfg.Bucket) {
		return nil, fmt.Errorf("embedded storage: %q is not a bucket name (3 to 63 of a-z, 0-9 and -)", cfg.Bucket)
	}
	if cfg.AccessKey == "" || len(cfg.SecretKey) < 16 {
		return nil, errors.New("embedded storage: an access key and a secret of at least 16 characters are needed")
	}
	if cfg.Region == "" {
		cfg.Region = DefaultRegion
	}
	if cfg.MaxObjectBytes == 0 {
		cfg.MaxObjectBytes = DefaultMaxObjectBytes
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f, err := openFolder(cfg.Dir, cfg.Bucket, cfg.Now)
	if err != nil {
		return nil, fmt.Errorf("embedded storage: %w", err)
	}
	if err := f.sweep(staleTemp, staleUpload); err != nil {
		f.close()
		return nil, fmt.Errorf("embedded storage: sweep: %w", err)
	}
	return &Server{
		bucket: cfg.Bucket,
		max:    cfg.MaxObjectBytes,
		sig:    verifier{accessKey: cfg.AccessKey, secretKey: cfg.SecretKey, region: cfg.Region, now: cfg.Now},
		folder: f,
		log:    cfg.Log,
	}, nil
}

// Close gives the folder back. Requests still running fail; whatever they had
// not answered is not published.
func (s *Server) Close() error { return s.folder.close() }

// ServeHTTP checks the signature, then does the one operation that the
// request names in full.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	if err := s.serve(w, r); err != nil {
		s.refuse(w, r, err)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	g, err := s.sig.check(r)
	if err != nil {
		return err
	}
	op, key, err := s.route(r)
	if err != nil {
		return err
	}
	return op(s, w, call{Request: r, grant: g, key: key})
}

// call is a request whose signature holds.
type call struct {
	*http.Request
	grant grant
	key   string // "" for the bucket itself
}
