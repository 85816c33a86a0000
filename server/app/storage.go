package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"siteledger/server/blob"
	"siteledger/server/blob/embedded"
	"siteledger/server/config"
)

const (
	embeddedKey   = "siteledger"
	storageFolder = "blobs"
	secretFile    = "keys/storage.secret"
)

// storage is the object storage as the configuration has it: somebody else's,
// or the server's own over the data folder.
type storage struct {
	config   blob.Config
	listener net.Listener     // of the embedded one
	embedded *embedded.Server // nil for an external one
	server   *http.Server
}

func (c *Core) openStorage(s config.S3) (*storage, error) {
	if s.External() {
		secret, err := config.ReadSecret(s.SecretKeyFile)
		if err != nil {
			return nil, err
		}
		return &storage{config: blob.Config{Endpoint: s.URL(s.Endpoint), PublicEndpoint: s.URL(s.PublicEndpoint), AccessKey: s.AccessKey, SecretKey: secret,
			Region: s.Region, Bucket: s.Bucket, Limits: c.Config.Limits.Limits}}, nil
	}
	secret, err := storageSecret(filepath.Join(c.Config.Data, secretFile))
	if err != nil {
		return nil, err
	}
	own, err := embedded.New(embedded.Config{Dir: filepath.Join(c.Config.Data, storageFolder), AccessKey: embeddedKey, SecretKey: secret,
		Region: s.Region, Bucket: s.Bucket, Log: c.Log})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for photos: %w", err), own.Close())
	}
	endpoint := "http://" + l.Addr().String()
	public := s.PublicEndpoint
	if public == "" {
		public = endpoint
	}
	return &storage{listener: l, embedded: own, config: blob.Config{Endpoint: endpoint, PublicEndpoint: s.URL(public), AccessKey: embeddedKey, SecretKey: secret,
		Region: s.Region, Bucket: s.Bucket, Limits: c.Config.Limits.Limits}}, nil
}

// storageSecret reads the embedded storage's secret, made at the first start.
func storageSecret(path string) (string, error) {
	if s, err := config.ReadSecret(path); err == nil {
		return s, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var b [24]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	secret := hex.EncodeToString(b[:])
	err := createSecret(path, secret)
	if errors.Is(err, os.ErrExist) { // another process was faster
		return config.ReadSecret(path)
	}
	return secret, err
}

// createSecret writes a new file whole or not at all, also when the power goes:
// half a secret would keep every later start from happening.
func createSecret(path, secret string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(secret + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// OpenBlobs gives the photo service for a command that runs beside, or
// without, the server. close ends its own storage.
func (c *Core) OpenBlobs() (*blob.Service, func() error, error) {
	s := c.Config.S3
	s.Listen, s.PublicEndpoint = "127.0.0.1:0", ""
	st, err := c.openStorage(s)
	if err != nil {
		return nil, nil, err
	}
	svc, err := c.newBlobs(st.config)
	if err != nil {
		return nil, nil, errors.Join(err, st.close())
	}
	st.serve(c.Log)
	return svc, st.close, nil
}

func (c *Core) newBlobs(cfg blob.Config) (*blob.Service, error) {
	cfg.Wrap = c.Metrics.Storage
	return blob.New(cfg, blob.Deps{Uploads: c.Store, Stale: c.Store, Catalogue: c.Store, Audience: c.Store, Journal: c.Ledger, Signer: c.Keys,
		History: c.History, Now: c.Now, NewID: newID, Log: c.Log})
}
