package ledger_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/feed"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// testKey signs as the server does.
type testKey struct{ priv ed25519.PrivateKey }

func (k testKey) Sign(m []byte) []byte { return ed25519.Sign(k.priv, m) }

func (k testKey) SignJWS(v any) (string, error) {
	b, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

// world is a server with one centre, its people and a clock that tests move.
type world struct {
	testing.TB
	st      *store.Store
	led     *ledger.Ledger
	feed    *feed.Feed
	key     testKey
	now     time.Time
	history uuid.UUID
	hq      uuid.UUID
	centre  uuid.UUID
	clerk   ledger.Author
}

var system = ledger.Author{Role: schema.Server}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func openWorld(tb testing.TB) *world {
	tb.Helper()
	ctx := context.Background()
	st := storetest.Open(tb, storetest.New(tb))
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{TB: tb, st: st, key: testKey{priv}, now: time.UnixMilli(1_790_000_000_000), hq: newID(), centre: newID()}
	if w.history, err = st.History(ctx, newID(), w.now.UnixMilli()); err != nil {
		tb.Fatal(err)
	}
	w.led, err = ledger.New(ledger.Config{
		Update: st.UpdateCentre, Create: st.CreateStream, History: w.history, Schema: schema.MustCurrent(), Signer: w.key, Limits: syncproto.DefaultLimits(),
		Now: func() time.Time { return w.now }, NewID: newID, Salt: func() [16]byte { return newID() },
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.feed = feed.New(feed.Config{View: st.ViewCentre, History: w.history, Schema: schema.MustCurrent(), Secret: []byte("test"), Limits: syncproto.DefaultLimits(), Now: func() time.Time { return w.now }})
	for id, hq := range map[uuid.UUID]bool{w.hq: true, w.centre: false} {
		if err := w.led.CreateStream(ctx, id, hq); err != nil {
			tb.Fatal(err)
		}
	}
	w.clerk = ledger.Author{Person: w.person("王芳", schema.Clerk), Role: schema.Clerk}
	return w
}

func (w *world) write(by ledger.Author, edits ...ledger.Edit) ledger.Written {
	w.Helper()
	out, err := w.led.Write(context.Background(), w.centre, by, edits)
	if err != nil {
		w.Fatalf("office write: %v", err)
	}
	return out
}

func insert(table string, id uuid.UUID, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: id, Op: changelog.Insert, Cols: cols}
}

func update(table string, id uuid.UUID, base uint64, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: id, Op: changelog.Update, Base: base, Cols: cols}
}

func (w *world) person(name string, role schema.Role) uuid.UUID {
	w.Helper()
	id := newID()
	w.write(system, insert("person", id, map[string]any{"name": name, "role": string(role), "active": true}))
	return id
}

// job makes a dispatched job with a contact.
func (w *world) job(to uuid.UUID) (job, contact uuid.UUID) {
	w.Helper()
	job, contact = newID(), newID()
	w.write(w.clerk,
		insert("job", job, map[string]any{"kind": "aftersale", "intake_at": w.now.UnixMilli(), "asked_work": "门板色差", "warranty": "out", "status": "new"}),
		insert("job_contact", contact, map[string]any{"job": job[:], "name": "张𠮷", "phone": "13800000000"}),
		insert("assignment", newID(), map[string]any{"job": job[:], "person": to[:], "active": true}),
		update("job", job, 0, map[string]any{"status": "dispatched"}))
	return job, contact
}

// phone is a device with its own log.
type phone struct {
	*world
	dev   ledger.Device
	priv  ed25519.PrivateKey
	codec *changelog.Codec
	epoch uuid.UUID
	log   [][]byte
	heads []changelog.Hash
	acked uint64
	boot  uuid.UUID
	wall  int64 // offset of the phone's clock
	hlc   uint64
}

func (w *world) phone(name string) *phone {
	w.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		w.Fatal(err)
	}
	p := &phone{world: w, priv: priv, codec: codec, epoch: newID(), boot: newID()}
	p.dev = ledger.Device{ID: newID(), Person: w.person(name, schema.Installer), Centre: w.centre, Role: schema.Installer, Key: pub}
	w.write(system, insert("device", p.dev.ID, map[string]any{"person": p.dev.Person[:], "public_key": []byte(pub), "enrolled_at": w.now.UnixMilli()}))
	p.heads = []changelog.Hash{changelog.Genesis(p.dev.ID, p.epoch)}
	return p
}

// record adds one transaction to the phone's log.
func (p *phone) record(edits ...ledger.Edit) {
	p.Helper()
	first := uint64(len(p.log)) + 1
	for i, e := range edits {
		wall := p.now.UnixMilli() + p.wall
		p.hlc = max(p.hlc+1, uint64(wall)<<16)
		ch := changelog.Change{Seq: first + uint64(i), HLC: p.hlc, Wall: wall, Txn: first, Last: i == len(edits)-1,
			Table: e.Table, Row: e.Row, Op: e.Op, Base: e.Base, Cols: e.Cols, Was: e.Was, Actor: p.dev.Person, Schema: 1, Boot: p.boot, Mono: p.mono(), Salt: newID()}
		b, err := p.codec.Encode(&ch)
		if err != nil {
			p.Fatal(err)
		}
		p.raw(b)
	}
}

func (p *phone) raw(b []byte) {
	p.log = append(p.log, b)
	p.heads = append(p.heads, changelog.Next(p.heads[len(p.heads)-1], b))
}

func (p *phone) request(from, to uint64) *syncproto.PushRequest {
	wall, mono := p.now.UnixMilli()+p.wall, p.mono()
	head := p.heads[to]
	return &syncproto.PushRequest{History: p.history[:], Device: p.dev.ID[:], Epoch: p.epoch[:], From: from, Prev: p.heads[from-1][:], Changes: p.log[from-1 : to], Head: head[:],
		Signature: ed25519.Sign(p.priv, changelog.PushMessage(p.dev.ID, p.epoch, to, head, p.boot, mono, wall)), Boot: p.boot[:], Mono: mono, Wall: wall}
}

// mono is the phone's monotonic clock: it runs with the world's.
func (p *phone) mono() uint64 { return uint64(p.now.UnixMilli() - 1_789_000_000_000) }

// push sends what is not acknowledged.
func (p *phone) push() *syncproto.PushAnswer {
	p.Helper()
	a, err := p.led.Push(context.Background(), p.dev, p.request(p.acked+1, uint64(len(p.log))))
	if err != nil {
		p.Fatalf("push: %v", err)
	}
	p.acked = a.Acked
	return a
}

func (p *phone) pull(cursor string, limit int) *syncproto.Page {
	p.Helper()
	page, err := p.feed.Pull(context.Background(), p.dev, cursor, limit)
	if err != nil {
		p.Fatalf("pull: %v", err)
	}
	return page
}

// pullAll pulls to the end and gives all rows by id.
func (p *phone) pullAll(cursor string, limit int) (map[uuid.UUID]syncproto.Row, *syncproto.Page) {
	p.Helper()
	rows := map[uuid.UUID]syncproto.Row{}
	for i := 0; ; i++ {
		page := p.pull(cursor, limit)
		for _, r := range page.Rows {
			rows[r.ID] = r
		}
		if !page.More {
			return rows, page
		}
		if i > 1000 {
			p.Fatal("pull does not end")
		}
		cursor = page.Next
	}
}
