package auth

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"siteledger/syncproto"
)

// Keys are the server's signing key and its name. They sign access tokens,
// receipts and the office logs. Each use has a form of its own (the typ header
// of a token or receipt, the label of a log head), so that none can pass for
// another.
type Keys struct {
	kid     string
	private ed25519.PrivateKey
}

// KeyFile is where the key lies below the data folder.
const KeyFile = "keys/server.ed25519"

// receiptType is the typ header of [Keys.SignJWS].
const receiptType = "receipt+jws"

// OpenKeys reads the key below the data folder, or makes one at the first
// start. The file is readable by its owner alone; one that others can read is
// refused. After a crash the key is there whole or not at all. Losing the file
// ends every phone's session and leaves old receipts verifiable only by those
// who have the public key.
func OpenKeys(data string, rand io.Reader) (*Keys, error) {
	path := filepath.Join(data, filepath.FromSlash(KeyFile))
	k, err := readKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := createKey(path, rand); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create server key: %w", err)
	}
	return readKeys(path)
}

// NewKeys makes keys from a private key.
func NewKeys(private ed25519.PrivateKey) *Keys {
	sum := sha256.Sum256(private.Public().(ed25519.PublicKey))
	return &Keys{kid: base64.RawURLEncoding.EncodeToString(sum[:12]), private: private}
}

func readKeys(path string) (*Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read server key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read server key: %s can be read by others; run chmod 600 on it", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read server key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("read server key: %s is not a PEM private key", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read server key: %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read server key: %s is not an Ed25519 key", path)
	}
	return NewKeys(private), nil
}

// createKey writes a new key under a temporary name, syncs it and links it in
// place, so that two processes at the first start agree on one key.
func createKey(path string, rand io.Reader) error {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Public lists the keys that phones check receipts with.
func (k *Keys) Public() []syncproto.ServerKey {
	return []syncproto.ServerKey{{KID: k.kid, PublicKey: k.public()}}
}

// Sign signs a message that begins with its own label, such as the head of an
// office log.
func (k *Keys) Sign(msg []byte) []byte { return ed25519.Sign(k.private, msg) }

// SignJWS signs a payload as a compact JWS (EdDSA, this server's kid).
func (k *Keys) SignJWS(payload any) (string, error) {
	header, err := json.Marshal(jwsHeader{Alg: "EdDSA", KID: k.kid, Typ: receiptType})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("sign receipt: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	return signed + "." + base64.RawURLEncoding.EncodeToString(k.Sign([]byte(signed))), nil
}

// VerifyJWS checks a JWS of [Keys.SignJWS] and reads its payload.
func (k *Keys) VerifyJWS(token string, payload any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("receipt has not three parts")
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(p)
		if err != nil {
			return fmt.Errorf("receipt part %d: %w", i+1, err)
		}
		raw[i] = b
	}
	var h jwsHeader
	if err := json.Unmarshal(raw[0], &h); err != nil {
		return fmt.Errorf("receipt header: %w", err)
	}
	if h.Alg != "EdDSA" || h.KID != k.kid || h.Typ != receiptType {
		return errors.New("receipt is not of this server")
	}
	if !ed25519.Verify(k.public(), []byte(parts[0]+"."+parts[1]), raw[2]) {
		return errors.New("receipt signature is wrong")
	}
	return json.Unmarshal(raw[1], payload)
}

type jwsHeader struct {
	Alg string `json:"alg"`
	KID string `json:"kid"`
	Typ string `json:"typ"`
}

func (k *Keys) public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// derive makes a secret of its own for another use from the key's seed.
func (k *Keys) derive(label string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.private.Seed(), nil, label, 32)
}
