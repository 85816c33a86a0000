package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

func TestOldLeftoversAreSweptAtStart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	p := s.parted(t)
	s.stop()
	old, young := filepath.Join(dir, tempDir, "old"), filepath.Join(dir, tempDir, "young")
	for _, f := range []string{old, young} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-2 * staleTemp)
	if err := os.Chtimes(old, then, then); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error("an old temp file is still there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("a young temp file may be another's and must stay")
	}
	p = parted{s, minio.Core{Client: s.client}, p.id}
	p.list(t) // a young upload stays
}

func TestBadConfigIsRefused(t *testing.T) {
	good := Config{Dir: t.TempDir(), AccessKey: testKey, SecretKey: testSecret, Bucket: testBucket}
	for name, change := range map[string]func(c *Config){
		"no access key": func(c *Config) { c.AccessKey = "" },
		"short secret":  func(c *Config) { c.SecretKey = "short" },
		"no bucket":     func(c *Config) { c.Bucket = "" },
		"bucket path":   func(c *Config) { c.Bucket = "../x" },
		"hidden bucket": func(c *Config) { c.Bucket = ".tmp" },
	} {
		c := good
		change(&c)
		if s, err := New(c); err == nil {
			s.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
