package archive

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/mutate"
)

// fuzzKey signs as a server does.
type fuzzKey struct{ ed25519.PrivateKey }

func (k fuzzKey) Sign(m []byte) []byte { return ed25519.Sign(k.PrivateKey, m) }

func (k fuzzKey) SignJWS(any) (string, error) { return "", nil }

// sealed are objects of the bucket, and what is wanted of any bytes that lie
// under their key: refused, or signed by the server and whole.
func sealed(tb testing.TB) (seeds [][]byte, body func(testing.TB, []byte) bool) {
	tb.Helper()
	key := fuzzKey{ed25519.NewKeyFromSeed(make([]byte, 32))}
	h := lineage{id: uuid.UUID{1}, began: 7}
	st := ledger.Stream{Centre: uuid.UUID{2}, OfficeDevice: uuid.UUID{3}, OfficeEpoch: uuid.UUID{4}}
	one := ledger.Batch{Centre: st.Centre, Pos: 5, Device: uuid.UUID{6}, First: 1, Last: 2, Signature: []byte("s"), Body: []byte("body")}
	two := one
	two.Pos, two.First, two.Last = 6, 3, 3
	for _, batches := range [][]ledger.Batch{{one}, {one, two}} {
		b, err := seal(h, st, batches, key)
		if err != nil {
			tb.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	keys := []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}
	return seeds, func(t testing.TB, b []byte) bool {
		s, err := open(objectKey(h.id, st.Centre, 5), b, keys)
		if err != nil {
			return false
		}
		if s.id != h.id || s.stream.Centre != st.Centre || s.stream.OfficeEpoch != st.OfficeEpoch || s.from != 5 || s.to != 4+uint64(len(s.batches)) || string(s.batches[0].Body) != "body" || s.batches[0].Device != one.Device {
			t.Fatalf("opened what the server did not put there: %+v", s)
		}
		return true
	}
}

func FuzzObject(f *testing.F) {
	seeds, body := sealed(f)
	for _, b := range seeds {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { body(t, b) })
}

// manifests are those of a backup with a file of four bytes and no keys.
func manifests() [][]byte {
	return [][]byte{
		[]byte(`{"format":1,"made_at":1,"version":"v","history":"0190aaaa-bbbb-7ccc-8ddd-000000000010","streams":[{"id":"0190aaaa-bbbb-7ccc-8ddd-000000000011","pos":3,"rev":9,"head":"ab"}],"database":{"name":"server.db","size":4,"sha256":"00"},"keys":[],"photos":{"list":{"name":"photos.jsonl","size":4,"sha256":"00"},"count":1,"bytes":4,"held":true}}`),
		[]byte(`{"format":1,"database":{"name":"server.db","size":4},"photos":{"list":{"name":"server.db","size":4}}}`),
	}
}

// backed: a manifest is refused, or names only files within the backup, with
// their sizes.
func backed(tb testing.TB) func(testing.TB, []byte) bool {
	tb.Helper()
	dir := tb.TempDir()
	for _, name := range []string{"server.db", "photos.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("data"), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return func(t testing.TB, b []byte) bool {
		if err := os.WriteFile(filepath.Join(dir, ManifestName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := ReadManifest(dir)
		if err != nil {
			return false
		}
		for _, p := range m.parts() {
			if strings.Contains(p.Name, "..") || filepath.IsAbs(p.Name) || m.Format != manifestFormat {
				t.Fatalf("taken: %+v", m)
			}
		}
		return true
	}
}

func FuzzManifest(f *testing.F) {
	for _, b := range manifests() {
		f.Add(b)
	}
	body := backed(f)
	f.Fuzz(func(t *testing.T, b []byte) { body(t, b) })
}

func TestFuzzed(t *testing.T) {
	seeds, body := sealed(t)
	mutate.Run(t, "FuzzObject", 3_000, seeds, body)
	mutate.Run(t, "FuzzManifest", 200, manifests(), backed(t))
}
