package ledger_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/mutate"
)

// forger damages real batches in every way that it can think of.
type forger struct {
	*world
	rand     *rand.Rand
	mutator  *mutate.Mutator
	li, chen *phone // two phones of the centre
	far      *phone // one of another centre
	codec    *changelog.Codec
	zip      *zstd.Encoder
	unzip    *zstd.Decoder
	genuine  []*syncproto.PushRequest // li's, already pushed or not
}

// TestCorruptedLogs: of 10,000 damaged, re-ordered, re-framed and replayed
// batches none is taken, unless its bytes are those of a genuine one; the log
// goes on where it stood (P8, T3, A10).
func TestCorruptedLogs(t *testing.T) {
	n := mutate.Scale(onTurn(10_000))
	start := time.Now()
	f := newForger(t)
	taken, same, kinds := 0, 0, map[string]int{}
	for i := range n {
		name, dev, req := f.forge(i)
		kinds[name]++
		if req == nil { // the bytes do not even read as a batch
			continue
		}
		if f.isGenuine(dev, req) { // the damage hit nothing
			same++
			continue
		}
		a, err := f.led.Push(context.Background(), dev, req)
		if err != nil {
			continue
		}
		taken++
		t.Errorf("taken: %s: from %d, %d changes, acked %d", name, req.From, len(req.Changes), a.Acked)
		if taken > 5 {
			t.FailNow()
		}
	}
	f.nothingChanged()
	if len(kinds) < 18 {
		t.Errorf("%d ways to forge, want 18: %v", len(kinds), kinds)
	}
	for name, n := range kinds {
		if n < 20 && mutate.Scale(onTurn(10_000)) == 10_000 {
			t.Errorf("%s was tried %d times", name, n)
		}
	}
	mutate.Record(t, mutate.DamagedLogs, n-same, time.Since(start))
	t.Logf("corrupted logs: %d tried in %d ways, %d accepted, %d were byte for byte a genuine one, %.1f s", n, len(kinds), taken, same, time.Since(start).Seconds())
}

func newForger(t *testing.T) *forger {
	w := openWorld(t)
	f := &forger{world: w, rand: rand.New(rand.NewPCG(11, 5)), li: w.phone("李师傅"), chen: w.phone("陈师傅")}
	var err error
	if f.zip, err = zstd.NewWriter(nil); err != nil {
		t.Fatal(err)
	}
	if f.unzip, err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(8<<20)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.unzip.Close)
	if f.codec, err = changelog.NewCodec(); err != nil {
		t.Fatal(err)
	}
	other := *w
	other.centre = newID()
	if err := w.led.CreateStream(context.Background(), other.centre, false); err != nil {
		t.Fatal(err)
	}
	f.far = other.phone("远处的赵师傅")
	for _, p := range []*phone{f.chen, f.far} {
		p.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-21", "text": "别人的"}))
		p.push()
	}
	f.work()
	return f
}

// work is li's log: nine transactions pushed in three batches, three not yet.
func (f *forger) work() {
	job, contact := f.job(f.li.dev.Person)
	rows, _ := f.li.pullAll("", 500)
	for i := range 12 {
		text := fmt.Sprintf("第 %d 条", i)
		f.li.record(
			insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": text, "at": int64(i)}),
			update("job_contact", contact, rows[contact].Rev, map[string]any{"note": text}))
		if i%3 == 2 && i < 9 {
			f.genuine = append(f.genuine, f.li.request(f.li.acked+1, uint64(len(f.li.log))))
			f.li.push()
		}
	}
	f.genuine = append(f.genuine, f.li.request(f.li.acked+1, uint64(len(f.li.log))), f.li.request(1, f.li.acked), f.li.request(3, f.li.acked))
	var corpus [][]byte
	for _, g := range f.genuine {
		corpus = append(corpus, f.bytes(g))
	}
	f.mutator = mutate.New(77, corpus)
}

func (f *forger) bytes(r *syncproto.PushRequest) []byte {
	b, err := f.codec.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// read is what the edge does with a body; nil for one that it refuses.
func (f *forger) read(b []byte) *syncproto.PushRequest {
	mode, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, MaxNestedLevels: 4}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	var r syncproto.PushRequest
	if mode.Unmarshal(b, &r) != nil {
		return nil
	}
	return &r
}

// isGenuine says whether a batch is, byte for byte, one that li signed.
func (f *forger) isGenuine(dev ledger.Device, r *syncproto.PushRequest) bool {
	b := f.bytes(r)
	return dev.ID == f.li.dev.ID && slices.ContainsFunc(f.genuine, func(g *syncproto.PushRequest) bool { return bytes.Equal(b, f.bytes(g)) })
}

// copyOf is a genuine batch that may be changed freely.
func (f *forger) copyOf() *syncproto.PushRequest {
	g := *f.genuine[f.rand.IntN(len(f.genuine))]
	g.Changes = slices.Clone(g.Changes)
	return &g
}

// seal makes the chain and the signature right again, by a key.
func seal(r *syncproto.PushRequest, key ed25519.PrivateKey) {
	head := changelog.Hash(r.Prev)
	for _, c := range r.Changes {
		head = changelog.Next(head, c)
	}
	r.Head = head[:]
	resign(r, key)
}

func resign(r *syncproto.PushRequest, key ed25519.PrivateKey) {
	last := r.From + uint64(len(r.Changes)) - 1
	r.Signature = ed25519.Sign(key, changelog.PushMessage(uuid.UUID(r.Device), uuid.UUID(r.Epoch), last, changelog.Hash(r.Head), uuid.UUID(r.Boot), r.Mono, r.Wall))
}

// forge makes the i-th damaged batch and says under whose token it comes.
func (f *forger) forge(i int) (string, ledger.Device, *syncproto.PushRequest) {
	g, li := f.copyOf(), f.li.dev
	at := f.rand.IntN(len(g.Changes))
	switch i % 4 {
	case 0, 1: // anywhere in the bytes
		return "bytes of the body", li, f.read(f.mutator.Next())
	case 2:
		raw, err := f.unzip.DecodeAll(f.mutator.Damage(f.zip.EncodeAll(f.bytes(g), nil)), nil)
		if err != nil {
			return "bytes of the compressed body", li, nil
		}
		return "bytes of the compressed body", li, f.read(raw)
	}
	switch f.rand.IntN(20) {
	case 0:
		g.Changes[at] = f.mutator.Damage(bytes.Clone(g.Changes[at]))
		return "one change damaged", li, g
	case 1:
		g.Changes[at] = f.mutator.Damage(bytes.Clone(g.Changes[at]))
		seal(g, f.chen.priv)
		return "one change damaged, sealed by another key", li, g
	case 2:
		g.Changes[at] = f.mutator.Damage(bytes.Clone(g.Changes[at]))
		head := changelog.Hash(g.Prev)
		for _, c := range g.Changes {
			head = changelog.Next(head, c)
		}
		g.Head = head[:]
		return "one change damaged, chain made right, old signature", li, g
	case 3:
		f.rand.Shuffle(len(g.Changes), func(a, b int) { g.Changes[a], g.Changes[b] = g.Changes[b], g.Changes[a] })
		return "changes in another order", li, g
	case 4:
		g.Changes = slices.Delete(g.Changes, at, at+1)
		return "a change left out", li, g
	case 5:
		g.Changes = slices.Insert(g.Changes, at, g.Changes[at])
		return "a change twice", li, g
	case 6:
		g.Changes = slices.Insert(g.Changes, at, f.chen.log[0])
		return "another phone's change put in", li, g
	case 7:
		g.Prev, g.Head = g.Head, g.Prev
		return "head and prev exchanged", li, g
	case 8:
		g.From += uint64(1 + f.rand.IntN(5))
		return "numbers moved up", li, g
	case 9:
		g.Epoch = idBytes()
		return "replayed under another epoch", li, g
	case 10:
		return "replayed by another phone", f.chen.dev, g
	case 11:
		g.Device = f.chen.dev.ID[:]
		return "replayed under another device", f.chen.dev, g
	case 12:
		g.Device = f.far.dev.ID[:]
		return "replayed in another centre", f.far.dev, g
	case 13:
		moved := li
		moved.Centre = f.far.centre
		g.History = idBytes()
		return "replayed in another centre and history", moved, g
	case 14:
		g.History = f.mutator.Damage(bytes.Clone(g.History))
		return "another history", li, g
	case 15:
		g.Mono, g.Wall = g.Mono+uint64(f.rand.IntN(3)), g.Wall+1
		return "other sending clocks", li, g
	case 16:
		other := f.genuine[f.rand.IntN(len(f.genuine))]
		if bytes.Equal(other.Signature, g.Signature) {
			g.Signature = slices.Repeat([]byte{1}, 64)
		} else {
			g.Signature = other.Signature
		}
		return "another batch's signature", li, g
	case 17:
		g.Changes = [][]byte{slices.Concat(g.Changes...)}
		return "changes framed as one", li, g
	case 18:
		c := g.Changes[at]
		half := 1 + f.rand.IntN(len(c)-1)
		g.Changes = slices.Replace(g.Changes, at, at+1, c[:half], c[half:])
		return "a change framed as two", li, g
	}
	// The phone's own key over other bytes in the acknowledged part: that is a
	// fork, never an overwrite.
	g = f.li.request(3, f.li.acked)
	g.Changes = slices.Clone(g.Changes)
	g.Changes[f.rand.IntN(len(g.Changes))] = f.li.log[f.rand.IntN(2)]
	seal(g, f.li.priv)
	return "the past written anew with the right key", li, g
}

// nothingChanged: the logs stand where they stood, what is stored verifies, and
// the genuine rest is taken.
func (f *forger) nothingChanged() {
	f.Helper()
	if n := f.count("SELECT count(*) FROM ledger WHERE device = $1", f.li.dev.ID[:]); n != 3 {
		f.Errorf("%d batches of the log, want 3", n)
	}
	if got := f.damages(); len(got) != 0 {
		f.Errorf("damage: %v", got)
	}
	rest := f.li.push()
	if rest.Acked != 24 {
		f.Errorf("the genuine rest: acked %d", rest.Acked)
	}
	rows, _ := f.li.pullAll("", 500)
	notes := 0
	for _, r := range rows {
		if r.Table == "note" {
			notes++
		}
	}
	if notes != 12 {
		f.Errorf("%d notes, want 12", notes)
	}
}

// damages is what verify finds.
func (w *world) damages() (out []ledger.Damage) {
	w.Helper()
	keys := []ed25519.PublicKey{w.key.priv.Public().(ed25519.PublicKey)}
	if _, err := ledger.Verify(context.Background(), w.st, w.centre, keys, func(d ledger.Damage) error { out = append(out, d); return nil }); err != nil {
		w.Fatal(err)
	}
	return out
}

// stored is one batch row of the database.
type stored struct {
	pos, first, last int64
	device           []byte
}

// TestCorruptedStore: a hand in the database, whatever column of the ledger it
// touches, is found by verify, which names the log and a number of the batch
// (P8).
func TestCorruptedStore(t *testing.T) {
	n, start := mutate.Scale(onTurn(400)), time.Now()
	f := newForger(t)
	var all []stored
	err := f.st.View(context.Background(), func(tx *sql.Tx) error {
		rows, err := tx.Query("SELECT pos, first, last, device FROM ledger WHERE centre = $1 ORDER BY pos", f.centre[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s stored
			if err := rows.Scan(&s.pos, &s.first, &s.last, &s.device); err != nil {
				return err
			}
			all = append(all, s)
		}
		return rows.Err()
	})
	if err != nil || len(all) < 8 {
		t.Fatalf("%d batches, %v", len(all), err)
	}
	f.spoil("CREATE TABLE ledger_kept AS SELECT * FROM ledger")
	kinds := map[string]int{}
	for range n {
		s := all[f.rand.IntN(len(all))]
		name := f.spoilBatch(s, all)
		kinds[name]++
		found := f.damages()
		if len(found) == 0 {
			t.Errorf("%s of batch %d: nothing found", name, s.pos)
		}
		if !slices.ContainsFunc(found, func(d ledger.Damage) bool {
			return bytes.Equal(d.Device[:], s.device) && d.Seq >= uint64(s.first) && d.Seq <= uint64(s.last)+1
		}) && name != "device" && name != "epoch" {
			t.Errorf("%s of batch %d (%x, %d–%d) is not named: %v", name, s.pos, s.device, s.first, s.last, found)
		}
		f.spoil("DELETE FROM ledger")
		f.spoil("INSERT INTO ledger SELECT * FROM ledger_kept")
	}
	if got := f.damages(); len(got) != 0 {
		t.Errorf("whole again, yet: %v", got)
	}
	mutate.Record(t, mutate.DamagedStores, n, time.Since(start))
	t.Logf("corrupted stores: %d of %d found, in %d ways", n, n, len(kinds))
}

// spoilBatch damages one stored batch in one column, or drops it, or puts
// another's body in its place.
func (f *forger) spoilBatch(s stored, all []stored) string {
	f.Helper()
	columns := []string{"prev", "head", "signature", "boot", "mono", "wall", "first", "last", "body", "changes", "device", "epoch", "gone", "exchanged"}
	c := columns[f.rand.IntN(len(columns))]
	where := " WHERE centre = $1 AND pos = $2"
	switch c {
	case "mono", "wall", "first", "last":
		f.spoil("UPDATE ledger SET "+c+" = "+c+" + 1"+where, f.centre[:], s.pos)
	case "gone":
		f.spoil("DELETE FROM ledger"+where, f.centre[:], s.pos)
	case "exchanged":
		o := all[f.rand.IntN(len(all))]
		for o.pos == s.pos {
			o = all[f.rand.IntN(len(all))]
		}
		f.spoil("UPDATE ledger SET body = (SELECT body FROM ledger_kept k WHERE k.centre = $1 AND k.pos = $3)"+where, f.centre[:], s.pos, o.pos)
	default:
		column := c
		if c == "changes" {
			column = "body"
		}
		var b []byte
		err := f.st.View(context.Background(), func(tx *sql.Tx) error {
			return tx.QueryRow("SELECT "+column+" FROM ledger"+where, f.centre[:], s.pos).Scan(&b)
		})
		if err != nil {
			f.Fatal(err)
		}
		if c == "changes" { // and packed again, so that only the chain can tell
			raw, err := f.unzip.DecodeAll(b, nil)
			if err != nil {
				f.Fatal(err)
			}
			raw[2+f.rand.IntN(len(raw)-2)] ^= 1 << f.rand.IntN(8)
			b = f.zip.EncodeAll(raw, nil)
		} else {
			b[f.rand.IntN(len(b))] ^= 1 << f.rand.IntN(8)
		}
		f.spoil("UPDATE ledger SET "+column+" = $3"+where, f.centre[:], s.pos, b)
	}
	return c
}

func idBytes() []byte { id := newID(); return id[:] }
