package clientsdk

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keyName is the device's private key in the keystore, as its 32-byte seed.
const keyName = "device-key"

// fileKeys keeps secrets in files that only their owner may read.
type fileKeys struct{ dir string }

func (k fileKeys) path(name string) string { return filepath.Join(k.dir, name) }

// Load implements [Keystore].
func (k fileKeys) Load(name string) ([]byte, error) {
	b, err := os.ReadFile(k.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Save implements [Keystore]: temporary file, sync, rename, sync of the folder.
func (k fileKeys) Save(name string, secret []byte) (err error) {
	f, err := os.CreateTemp(k.dir, name+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(secret); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), k.path(name)); err != nil {
		return err
	}
	d, err := os.Open(k.dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // some systems can't sync a folder, and need not
	return d.Close()
}

// Delete implements [Keystore].
func (k fileKeys) Delete(name string) error {
	err := os.Remove(k.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// loadKey reads the device's key; nil where there is none.
func (c *Client) loadKey() (ed25519.PrivateKey, error) {
	seed, err := c.cfg.Keys.Load(keyName)
	if err != nil {
		return nil, fmt.Errorf("load the device's key: %w", err)
	}
	if seed == nil {
		return nil, nil
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the device's key has %d bytes instead of %d", len(seed), ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// makeKey makes the device's key, durable before anybody hears of it: an
// enrolment whose answer is lost is repeated with the same key.
func (c *Client) makeKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(c.cfg.Rand)
	if err != nil {
		return nil, fmt.Errorf("make the device's key: %w", err)
	}
	if err := c.cfg.Keys.Save(keyName, key.Seed()); err != nil {
		return nil, fmt.Errorf("keep the device's key: %w", err)
	}
	return key, nil
}
