package bundle_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/blob"
	"siteledger/server/bundle"
	"siteledger/server/fault"
	"siteledger/server/office/benchtest"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

// shelf is a storage of files by their hash. The kit's stories name files by
// the hash of some text: that text is the file.
type shelf map[[32]byte][]byte

func (s shelf) put(texts ...string) shelf {
	for _, t := range texts {
		s[sha256.Sum256([]byte(t))] = []byte(t)
	}
	return s
}

func (s shelf) Open(_ context.Context, _ uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error) {
	b, ok := s[sha]
	if !ok {
		return nil, blob.Info{}, fault.New(syncproto.NotFound, "no such file")
	}
	return open{bytes.NewReader(b)}, blob.Info{Size: int64(len(b)), Type: "image/jpeg"}, nil
}

type open struct{ *bytes.Reader }

func (open) Close() error { return nil }

// keys are the ones that the kit's world signs its office logs with.
func keys() *auth.Keys {
	seed := sha256.Sum256([]byte("bench"))
	return auth.NewKeys(ed25519.NewKeyFromSeed(seed[:]))
}

// desk is a maker over a world.
type desk struct {
	*benchtest.World
	made  *bundle.Maker
	shelf shelf
	by    bundle.Person
}

func newDesk(tb testing.TB, w *benchtest.World) *desk {
	tb.Helper()
	d := &desk{World: w, shelf: shelf{}.put("full", "close", "after", "signature", "full preview", "close preview")}
	d.made = newMaker(tb, w, d.shelf)
	d.by = bundle.Person{ID: w.Supervisor.Person, Name: "赵敏", Role: w.Supervisor.Role}
	return d
}

func newMaker(tb testing.TB, w *benchtest.World, files bundle.Originals) *bundle.Maker {
	tb.Helper()
	history, err := w.Store.History(context.Background(), uuid.Nil, 0)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := bundle.New(bundle.Config{Files: w.Store, Archive: w.Store, Records: w.Store, Originals: files, Signer: keys(), Schema: w.Schema,
		History: history, Now: func() time.Time { return w.Now }})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func (d *desk) bundle(s bundle.Subject) []byte {
	d.Helper()
	b, err := d.made.Prepare(context.Background(), s, d.by)
	if err != nil {
		d.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.Write(context.Background(), &out); err != nil {
		d.Fatal(err)
	}
	return out.Bytes()
}

func fingerprint(tb testing.TB) *[32]byte {
	tb.Helper()
	f, err := bundle.ParseFingerprint(bundle.Fingerprint(keys().Public()[0].PublicKey))
	if err != nil {
		tb.Fatal(err)
	}
	return &f
}

func check(tb testing.TB, b []byte, trusted *[32]byte) bundle.Verdict {
	tb.Helper()
	v, err := bundle.Check(bytes.NewReader(b), trusted)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}
