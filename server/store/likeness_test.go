package store_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/fault"
	"siteledger/server/likeness"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
)

// shelfPhotos are stored bytes by hash, and how often each was opened.
type shelfPhotos struct {
	files  map[[32]byte][]byte
	opened map[[32]byte]int
	away   bool // the storage does not answer
}

// Open satisfies likeness.Photos.
func (s *shelfPhotos) Open(_ context.Context, _ uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error) {
	if s.away {
		return nil, blob.Info{}, fault.New(syncproto.Busy, "the photo storage does not answer")
	}
	s.opened[sha]++
	b, ok := s.files[sha]
	if !ok {
		return nil, blob.Info{}, fault.New(syncproto.NotFound, "no")
	}
	return struct {
		*bytes.Reader
		io.Closer
	}{bytes.NewReader(b), io.NopCloser(nil)}, blob.Info{Type: "image/jpeg"}, nil
}

// pattern is a picture of blocks, another one for each seed.
func pattern(t *testing.T, seed int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 160, 120))
	for y := range 120 {
		for x := range 160 {
			k := uint8((x/20*37 + y/20*(61+seed*29) + seed*(x/20)*(y/20)*13) % 256)
			img.SetRGBA(x, y, color.RGBA{k, k / 2, 255 - k, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Each verified photo is looked at once: not again by a later pass or after a
// restart, also not one that can't be decoded or that the storage lost. A
// storage that is away costs nothing but time. Another version of the looking,
// and a database that forgot, look at all of them anew.
func TestEachPhotoIsLookedAtOnce(t *testing.T) {
	ctx, w := context.Background(), benchtest.Open(t)
	files := &shelfPhotos{files: map[[32]byte][]byte{}, opened: map[[32]byte]int{}}
	put := func(name string, b []byte) {
		sum := [32]byte(benchtest.Sum(name))
		if b != nil {
			files.files[sum] = b
		}
		w.Arrive(w.Clerk.Person, sum[:])
	}
	for i := range 5 {
		put(fmt.Sprint(i), pattern(t, i))
	}
	put("twin", pattern(t, 3))
	put("half", pattern(t, 9)[:700])
	put("lost", nil)
	keeper := func() *likeness.Keeper { // as after a restart
		return likeness.NewKeeper(w.Store, files, time.Now, slog.New(slog.DiscardHandler))
	}
	pass := func(want int) {
		t.Helper()
		if n, err := keeper().Pass(ctx, 100); err != nil || n != want {
			t.Fatalf("%d photos were looked at, %v, want %d", n, err, want)
		}
	}
	files.away = true
	if n, err := keeper().Pass(ctx, 100); err == nil || n != 0 {
		t.Fatalf("a storage that is away: %d, %v", n, err)
	}
	files.away = false
	if n, err := keeper().Pass(ctx, 3); err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	pass(5)
	pass(0)
	put("late", pattern(t, 30))
	pass(1)
	for sum, n := range files.opened {
		if n != 1 {
			t.Errorf("%x was opened %d times", sum[:4], n)
		}
	}
	again, err := w.Store.UnseenPhotos(ctx, likeness.Version+1, 100)
	if err != nil || len(again) != 9 {
		t.Fatalf("a later version looks at %d, %v", len(again), err)
	}
	pass(9)
}
