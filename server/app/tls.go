package app

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"siteledger/server/config"
)

// certificate is the server's own, read again when its file changes, so that a
// renewal needs no restart. One that cannot be read leaves the last in use.
type certificate struct {
	cfg config.TLS
	now func() time.Time

	mu      sync.Mutex
	looked  time.Time
	changed time.Time // modification time of what is in use
	use     *tls.Certificate
}

// lookEvery is how often the file's time is looked at.
const lookEvery = time.Minute

func openCertificate(cfg config.TLS, now func() time.Time) (*certificate, error) {
	c := &certificate{cfg: cfg, now: now}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("tls_cert: %w", err)
	}
	c.looked = now()
	return c, nil
}

func (c *certificate) load() error {
	at, err := os.Stat(c.cfg.Cert)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cfg.Cert, c.cfg.Key)
	if err != nil {
		return err
	}
	c.use, c.changed = &pair, at.ModTime()
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookEvery || now.Before(c.looked) {
		c.looked = now
		if at, err := os.Stat(c.cfg.Cert); err == nil && !at.ModTime().Equal(c.changed) {
			_ = c.load() // a renewal that is half written is looked at again in a minute
		}
	}
	return c.use, nil
}

// tlsConfig speaks TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
func (c *certificate) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}
}
