package auth_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/syncproto"
)

func TestKeysAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	kids := make([]string, 8)
	for i := range kids {
		wg.Go(func() {
			k, err := auth.OpenKeys(dir, rand.Reader)
			if err != nil {
				t.Error(err)
				return
			}
			kids[i] = k.Public()[0].KID
		})
	}
	wg.Wait()
	for _, kid := range kids {
		if kid == "" || kid != kids[0] {
			t.Fatalf("kids %v", kids)
		}
	}
	info, err := os.Stat(filepath.Join(dir, auth.KeyFile))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	files, err := os.ReadDir(filepath.Join(dir, "keys"))
	must(t, err)
	if len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
}

func TestKeyFilesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		mode os.FileMode
		text string
	}{
		"readable by others": {0o644, ""}, "noise": {0o600, "noise"}, "empty": {0o600, ""}, "wrong PEM": {0o600, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, auth.KeyFile)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(c.text), c.mode))
		if _, err := auth.OpenKeys(dir, rand.Reader); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if b, _ := os.ReadFile(path); string(b) != c.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestReceipts(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	k := auth.NewKeys(private)
	in := syncproto.BlobReceipt{SHA256: strings.Repeat("ab", 32), Size: 7, At: 9, Device: uuid.New(), History: uuid.New()}
	jws, err := k.SignJWS(in)
	must(t, err)
	var out syncproto.BlobReceipt
	must(t, k.VerifyJWS(jws, &out))
	if out != in {
		t.Errorf("got %+v", out)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	for i := range jws {
		b := []byte(jws)
		b[i] ^= 4
		if k.VerifyJWS(string(b), &out) == nil {
			t.Fatalf("byte %d can be changed", i)
		}
	}
	if auth.NewKeys(other).VerifyJWS(jws, &out) == nil {
		t.Error("another server takes it for its own")
	}
	pub := k.Public()[0]
	if !ed25519.Verify(pub.PublicKey, []byte("siteledger x"), k.Sign([]byte("siteledger x"))) {
		t.Error("the public key does not fit")
	}
}
