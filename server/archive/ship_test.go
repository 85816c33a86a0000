package archive_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/archive"
	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
)

// bucket is an object storage in memory that can be away.
type bucket struct {
	objects map[string][]byte
	away    error
	puts    int
	lists   int
}

func (b *bucket) Put(_ context.Context, key string, body []byte) error {
	if b.away != nil {
		return b.away
	}
	b.puts++
	if _, ok := b.objects[key]; ok {
		return archive.ErrExists
	}
	b.objects[key] = slices.Clone(body)
	return nil
}

func (b *bucket) Get(_ context.Context, key string, _ int64) ([]byte, error) {
	if b.away != nil {
		return nil, b.away
	}
	if o, ok := b.objects[key]; ok {
		return o, nil
	}
	return nil, archive.ErrAbsent
}

func (b *bucket) List(_ context.Context, prefix, after string, fn func(string, int64) error) error {
	if b.away != nil {
		return b.away
	}
	b.lists++
	for _, key := range b.keys() {
		if strings.HasPrefix(key, prefix) && key > after {
			if err := fn(key, int64(len(b.objects[key]))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bucket) keys() []string {
	var keys []string
	for k := range b.objects {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// house is a ledger in memory, with the places that a shipper writes down.
type house struct {
	testing.TB
	bucket  *bucket
	key     ed25519.PrivateKey
	history archive.History
	streams []ledger.Stream
	batches map[uuid.UUID][]ledger.Batch
	saved   map[uuid.UUID]uint64
	saves   int
	now     time.Time
	ill     error // of reading the ledger
}

func newHouse(tb testing.TB, streams int) *house {
	tb.Helper()
	h := &house{TB: tb, bucket: &bucket{objects: map[string][]byte{}}, key: ed25519.NewKeyFromSeed(make([]byte, 32)), history: archive.History{ID: uuid.New(), StartedAt: 1},
		batches: map[uuid.UUID][]ledger.Batch{}, saved: map[uuid.UUID]uint64{}, now: time.UnixMilli(1_790_000_000_000)}
	for i := range streams {
		h.streams = append(h.streams, ledger.Stream{Centre: uuid.New(), Headquarters: i == 0, OfficeDevice: uuid.New(), OfficeEpoch: uuid.New()})
	}
	return h
}

func (h *house) commit(stream, n, size int) {
	st := &h.streams[stream]
	for range n {
		st.Pos++
		h.batches[st.Centre] = append(h.batches[st.Centre], ledger.Batch{Centre: st.Centre, Pos: st.Pos, Device: uuid.New(), Epoch: uuid.New(), First: 1, Last: 1,
			Head: changelog.Hash{byte(st.Pos)}, Signature: make([]byte, 64), ReceivedAt: h.now.UnixMilli(), HQRev: st.Pos, Rules: 1, Schema: 2, Digests: make([]byte, 8), Body: make([]byte, size)})
	}
}

func (h *house) Ends(context.Context) ([]ledger.Stream, error) { return slices.Clone(h.streams), h.ill }

func (h *house) Batches(_ context.Context, centre uuid.UUID, after uint64, limit int) ([]ledger.Batch, error) {
	all := h.batches[centre]
	if after >= uint64(len(all)) {
		return nil, nil
	}
	all = all[after:]
	return all[:min(limit, len(all))], nil
}

func (h *house) Shipped(context.Context, uuid.UUID) (map[uuid.UUID]uint64, error) {
	return h.saved, nil
}

func (h *house) SaveShipped(_ context.Context, _, centre uuid.UUID, pos uint64) error {
	h.saves++
	h.saved[centre] = pos
	return nil
}

func (h *house) Histories(context.Context) ([]archive.History, error) {
	return []archive.History{h.history}, nil
}

func (h *house) Sign(m []byte) []byte { return ed25519.Sign(h.key, m) }

func (h *house) keys() []ed25519.PublicKey {
	return []ed25519.PublicKey{h.key.Public().(ed25519.PublicKey)}
}

func (h *house) shipper(own func(uuid.UUID) bool) *archive.Shipper {
	return archive.NewShipper(h.config(own))
}

func (h *house) config(own func(uuid.UUID) bool) archive.ShipConfig {
	cfg := archive.ShipConfig{Streams: h, Places: h, Bucket: h.bucket, Signer: h, Keys: h.keys(), History: h.history.ID, Now: func() time.Time { return h.now },
		Log: slog.New(slog.DiscardHandler), Gather: time.Millisecond, Look: 5 * time.Millisecond, MaxWait: 5 * time.Millisecond}
	if own != nil {
		cfg.Own = func(_ context.Context, centre uuid.UUID) (bool, error) { return own(centre), nil }
	}
	return cfg
}

func (h *house) round(s *archive.Shipper) {
	h.Helper()
	if err := s.Round(context.Background()); err != nil {
		h.Fatal(err)
	}
}

// whole wants the bucket to hold every batch of every stream, once and in
// order.
func (h *house) whole() {
	h.Helper()
	ctx := context.Background()
	t, err := archive.OpenTail(ctx, h.bucket, h.keys(), []archive.History{h.history}, nil)
	if err != nil {
		h.Fatal(err)
	}
	for _, st := range h.streams {
		after := uint64(0)
		for {
			got, err := t.Batches(ctx, st.Centre, after, 100)
			if err != nil {
				h.Fatal(err)
			}
			if len(got) == 0 {
				break
			}
			for _, b := range got {
				want := h.batches[st.Centre][after]
				after++
				if b.Pos != after || b.Head != want.Head || b.Schema != want.Schema || b.HQRev != want.HQRev || len(b.Body) != len(want.Body) || b.Device != want.Device {
					h.Fatalf("batch %d: %+v, want %+v", after, b, want)
				}
			}
		}
		if after != st.Pos {
			h.Errorf("the bucket ends at %d, the stream at %d", after, st.Pos)
		}
	}
}

func TestShippingIsWholeAndOnce(t *testing.T) {
	h := newHouse(t, 3)
	s := h.shipper(nil)
	h.commit(0, 1, 10)
	h.commit(1, 1000, 100)
	h.commit(2, 5, 400<<10)
	h.round(s)
	h.whole()
	if n := len(h.bucket.objects); n != 1+4+3 {
		t.Errorf("%d objects, want them grouped by number and by size", n)
	}
	puts := h.bucket.puts
	h.round(s)
	if h.bucket.puts != puts {
		t.Error("nothing new was put all the same")
	}
	h.commit(1, 1, 10)
	h.round(s)
	h.whole()
	if lag := s.Lag(); lag.Batches != 0 || lag.Oldest != 0 || lag.Err != nil {
		t.Errorf("lag %+v", lag)
	}
}

// TestShippingGoesOnAfterAnEnd: whatever was written down of where it stood,
// the next process puts no batch twice and leaves none out.
func TestShippingGoesOnAfterAnEnd(t *testing.T) {
	for _, remembered := range []uint64{0, 3, 300, 400} {
		h := newHouse(t, 1)
		h.commit(0, 400, 10)
		h.round(h.shipper(nil))
		h.saved[h.streams[0].Centre] = remembered
		h.commit(0, 10, 10)
		puts := h.bucket.puts
		h.round(h.shipper(nil))
		h.whole()
		if h.bucket.puts != puts+1 {
			t.Errorf("%d puts for ten batches", h.bucket.puts-puts)
		}
	}
}

// TestABucketThatIsAway: nothing is lost, the lag tells, and a put whose answer
// was lost is found done.
func TestABucketThatIsAway(t *testing.T) {
	h := newHouse(t, 2)
	s := h.shipper(nil)
	h.commit(1, 3, 10)
	h.round(s)
	h.bucket.away = errors.New("connection refused")
	h.commit(1, 7, 10)
	h.now = h.now.Add(time.Minute)
	if err := s.Round(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if lag := s.Lag(); lag.Batches != 7 || lag.Behind(h.now) != time.Minute || lag.Err == nil {
		t.Errorf("lag %+v", lag)
	}
	h.bucket.away = nil
	other := h.shipper(nil) // its put arrives, and it dies before it knows
	h.round(other)
	h.commit(1, 2, 10)
	h.round(s)
	h.whole()
}

// TestLagIsNotZeroWhereNobodyKnows: a round that cannot ask whose turn it is,
// that cannot read the ledger's ends, or that does not end, is no sign that
// nothing waits.
func TestLagIsNotZeroWhereNobodyKnows(t *testing.T) {
	for name, ill := range map[string]func(h *house, cfg *archive.ShipConfig) (round bool){
		"the turn cannot be asked for": func(_ *house, cfg *archive.ShipConfig) bool {
			cfg.Own = func(context.Context, uuid.UUID) (bool, error) { return false, errors.New("the database is damaged") }
			return true
		},
		"the ledger cannot be read": func(h *house, _ *archive.ShipConfig) bool {
			h.ill = errors.New("the database is away")
			return true
		},
		"no round ends": func(*house, *archive.ShipConfig) bool { return false },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 2)
			cfg := h.config(nil)
			round := ill(h, &cfg)
			s := archive.NewShipper(cfg)
			h.commit(1, 3, 10)
			h.now = h.now.Add(10 * time.Minute)
			if round {
				if err := s.Round(t.Context()); err == nil {
					t.Fatal("no error")
				}
			}
			if behind := s.Lag().Behind(h.now); behind != 10*time.Minute {
				t.Errorf("after ten minutes the lag is %s", behind)
			}
		})
	}
	h := newHouse(t, 1)
	s := h.shipper(nil)
	for range 20 {
		h.now = h.now.Add(15 * time.Second)
		h.round(s)
		if behind := s.Lag().Behind(h.now); behind != 0 {
			t.Fatalf("all is shipped, the lag is %s", behind)
		}
	}
}

func TestOneOfManyServersShipsAStream(t *testing.T) {
	h := newHouse(t, 2)
	h.commit(0, 2, 10)
	h.commit(1, 2, 10)
	mine := h.streams[0].Centre
	first := h.shipper(func(c uuid.UUID) bool { return c == mine })
	second := h.shipper(func(c uuid.UUID) bool { return c != mine })
	h.round(first)
	if len(h.bucket.objects) != 1 {
		t.Errorf("%d objects of one's own stream", len(h.bucket.objects))
	}
	h.round(second)
	h.whole()
	h.commit(0, 1, 10)
	mine = h.streams[1].Centre // the streams change hands
	h.round(first)
	h.round(second)
	h.whole()
}

// TestTwoServersFromOneFolder: the second finds other batches under its history
// and stops, without touching them.
func TestTwoServersFromOneFolder(t *testing.T) {
	h := newHouse(t, 1)
	h.commit(0, 2, 10)
	h.round(h.shipper(nil))
	twin := newHouse(t, 0)
	twin.bucket, twin.history, twin.streams = h.bucket, h.history, slices.Clone(h.streams)
	twin.streams[0].Pos = 0
	twin.commit(0, 3, 10)
	before := h.bucket.keys()
	if err := twin.shipper(nil).Round(t.Context()); err == nil || !strings.Contains(err.Error(), "two servers run from copies") {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(h.bucket.keys(), before) {
		t.Error("the bucket was written to")
	}
	h.whole()
}

// TestEveryAlteredByteIsFound: of the object and of where it lies.
func TestEveryAlteredByteIsFound(t *testing.T) {
	h := newHouse(t, 1)
	h.commit(0, 3, 40)
	h.round(h.shipper(nil))
	key := h.bucket.keys()[0]
	good := h.bucket.objects[key]
	read := func() error {
		_, err := archive.OpenTail(t.Context(), h.bucket, h.keys(), []archive.History{h.history}, nil)
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x10
		h.bucket.objects[key] = bad
		if err := read(); err == nil {
			t.Fatalf("byte %d was altered and nothing said so", i)
		}
	}
	delete(h.bucket.objects, key)
	h.bucket.objects[key[:len(key)-1]+"2"] = good
	if err := read(); err == nil {
		t.Error("an object under another's key was taken")
	}
}

// TestAGapEndsTheTail: behind a missing object nothing is given, rather than
// batches out of order.
func TestAGapEndsTheTail(t *testing.T) {
	h := newHouse(t, 1)
	s := h.shipper(nil)
	for range 3 {
		h.commit(0, 2, 10)
		h.round(s)
	}
	delete(h.bucket.objects, h.bucket.keys()[1])
	tail, err := archive.OpenTail(t.Context(), h.bucket, h.keys(), []archive.History{h.history}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tail.Batches(t.Context(), h.streams[0].Centre, 2, 10)
	if err != nil || len(got) != 0 {
		t.Errorf("%d batches behind the gap, %v", len(got), err)
	}
}

func TestTheShipperRunsUntilItIsStopped(t *testing.T) {
	h := newHouse(t, 1)
	h.commit(0, 2, 10)
	s := h.shipper(nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	cancel()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it did not stop")
	}
	h.whole() // what was committed before the stop is there, and its place written down
	if h.saved[h.streams[0].Centre] != 2 {
		t.Errorf("place %v", h.saved)
	}
}
