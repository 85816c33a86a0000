package blob

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"siteledger/syncproto"
)

// Config says which storage, and how it is used. Endpoints come from the
// operator's settings alone, never from a screen.
type Config struct {
	// Endpoint is the storage as this server reaches it, http://host:port or
	// https://host, without a path.
	Endpoint string
	// PublicEndpoint is the storage as phones reach it; presigned URLs are
	// signed for it. Endpoint where empty.
	PublicEndpoint       string
	AccessKey, SecretKey string
	// Region is signed for; "us-east-1" where empty.
	Region string
	// Bucket must exist; see Service.Ready.
	Bucket string
	// PartSize is the size from which a blob travels in parts, and of each
	// part but the last: 5 MiB or more, 8 MiB where 0.
	PartSize int64
	// PutLife is how long an upload URL works, 15 minutes where 0.
	PutLife time.Duration
	// GetLife is how long a download URL works, 1 minute where 0: it is
	// followed at once.
	GetLife time.Duration
	// MaxPlan bounds the blobs of one plan, 200 where 0.
	MaxPlan int
	// MaxOpen bounds a device's planned and never finished uploads, 10,000
	// where 0.
	MaxOpen int
	// KeepPlans is how long an unfinished upload may be resumed, 35 days where
	// 0: as long as phones keep their photos.
	KeepPlans time.Duration
	// Limits are the protocol's where zero.
	Limits syncproto.Limits
	// Transport overrides the connection to Endpoint, for a private CA or a
	// test; nil for one that refuses link-local addresses.
	Transport http.RoundTripper
	// Wrap goes around the connection to Endpoint, to measure it; nil for
	// nothing.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// DefaultPartSize balances what a broken connection costs against requests.
const DefaultPartSize = 8 << 20

// minPartSize is S3's own lower bound of a part that is not the last.
const minPartSize = 5 << 20

func (c *Config) fill() error {
	if c.PublicEndpoint == "" {
		c.PublicEndpoint = c.Endpoint
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.PartSize == 0 {
		c.PartSize = DefaultPartSize
	}
	if c.PutLife == 0 {
		c.PutLife = 15 * time.Minute
	}
	if c.GetLife == 0 {
		c.GetLife = time.Minute
	}
	if c.MaxPlan == 0 {
		c.MaxPlan = 200
	}
	if c.MaxOpen == 0 {
		c.MaxOpen = 10_000
	}
	if c.KeepPlans == 0 {
		c.KeepPlans = 35 * 24 * time.Hour
	}
	if c.Limits == (syncproto.Limits{}) {
		c.Limits = syncproto.DefaultLimits()
	}
	var faults []error
	if c.PartSize < minPartSize {
		faults = append(faults, fmt.Errorf("part size %d is under the storage's least, %d", c.PartSize, minPartSize))
	}
	if c.Bucket == "" || c.AccessKey == "" || c.SecretKey == "" {
		faults = append(faults, errors.New("bucket, access key and secret key are needed"))
	}
	for name, life := range map[string]time.Duration{"upload": c.PutLife, "download": c.GetLife} {
		if life < time.Second || life > 7*24*time.Hour {
			faults = append(faults, fmt.Errorf("life of %s URLs must be between a second and 7 days", name))
		}
	}
	return errors.Join(faults...)
}

// dial makes a client of one endpoint. Nothing is sent yet.
func dial(endpoint string, cfg Config, transport http.RoundTripper) (*minio.Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("storage endpoint %q: want http://host:port or https://host", endpoint)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("storage endpoint %q: a path, query or user can't be signed for", u.Redacted())
	}
	if transport == nil {
		transport = guardedTransport(u.Hostname())
	}
	if _, signs := transport.(silent); cfg.Wrap != nil && !signs {
		transport = cfg.Wrap(transport)
	}
	c, err := minio.New(u.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""),
		Secure:     u.Scheme == "https",
		Region:     cfg.Region,
		Transport:  transport,
		MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("storage endpoint %q: %w", endpoint, err)
	}
	return c, nil
}

// guardedTransport connects to storage and nothing else: no proxy from the
// environment, no link-local address (a cloud's metadata service), and
// loopback only where the operator wrote a loopback address himself, so that a
// name that is rebound does not lead inside.
func guardedTransport(host string) *http.Transport {
	own, err := netip.ParseAddr(host)
	loopback := host == "localhost" || (err == nil && own.IsLoopback())
	d := &net.Dialer{
		Timeout: 10 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			return allowAddress(address, loopback)
		},
	}
	return &http.Transport{
		DialContext:           d.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       time.Minute,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
}

func allowAddress(address string, loopback bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("storage address %q: %w", address, err)
	}
	ip := ap.Addr().Unmap()
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(), ip == netip.MustParseAddr("fd00:ec2::254"):
		return fmt.Errorf("storage address %s is refused", ip)
	case ip.IsLoopback() && !loopback:
		return fmt.Errorf("storage address %s is this machine, but the endpoint's name is not", ip)
	}
	return nil
}
