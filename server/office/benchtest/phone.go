package benchtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// Phone is a device of an installer with its own signed log.
type Phone struct {
	*World
	Device ledger.Device
	key    ed25519.PrivateKey
	codec  *changelog.Codec
	epoch  uuid.UUID
	boot   uuid.UUID
	log    [][]byte
	heads  []changelog.Hash
	acked  uint64
	hlc    uint64
	schema uint64 // version of the app; 0 is the oldest
	prefix string // of its receipt numbers
	issued int64
}

// Receipt gives the phone's next receipt number.
func (p *Phone) Receipt() string {
	p.issued++
	return fieldwork.Format(p.prefix, p.issued)
}

// Phone enrols one for a new installer.
func (w *World) Phone(name string) *Phone {
	w.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		w.Fatal(err)
	}
	who := w.Person(w.Centre, name, schema.Installer)
	p := &Phone{World: w, key: key, codec: codec, epoch: NewID(), boot: NewID(),
		Device: ledger.Device{ID: NewID(), Person: who.Person, Centre: w.Centre, Role: schema.Installer, Key: pub}}
	w.Write(w.Centre, System(), Insert("device", p.Device.ID, map[string]any{"person": who.Person[:], "model": "Redmi 12", "public_key": []byte(pub), "enrolled_at": w.Now.UnixMilli()}))
	p.prefix = fmt.Sprintf("P%d", w.phones)
	w.phones++
	w.Write(w.Centre, System(), Insert("receipt_range", NewID(), map[string]any{"device": p.Device.ID[:], "prefix": p.prefix, "first": int64(1), "last": int64(200), "at": w.Now.UnixMilli()}))
	p.heads = []changelog.Hash{changelog.Genesis(p.Device.ID, p.epoch)}
	return p
}

// Record adds one transaction to the phone's log.
func (p *Phone) Record(edits ...ledger.Edit) {
	p.Helper()
	first := uint64(len(p.log)) + 1
	for i, e := range edits {
		wall := p.Now.UnixMilli()
		p.hlc = max(p.hlc+1, uint64(wall)<<16)
		ch := changelog.Change{Seq: first + uint64(i), HLC: p.hlc, Wall: wall, Txn: first, Last: i == len(edits)-1, Table: e.Table, Row: e.Row, Op: e.Op,
			Base: e.Base, Cols: e.Cols, Was: e.Was, Actor: p.Device.Person, Schema: max(p.schema, 1), Boot: p.boot, Salt: NewID()}
		b, err := p.codec.Encode(&ch)
		if err != nil {
			p.Fatal(err)
		}
		p.log = append(p.log, b)
		p.heads = append(p.heads, changelog.Next(p.heads[len(p.heads)-1], b))
	}
}

// Noise adds bytes to the phone's log that nobody can read.
func (p *Phone) Noise(b []byte) {
	p.log = append(p.log, b)
	p.heads = append(p.heads, changelog.Next(p.heads[len(p.heads)-1], b))
}

// Push sends everything that is not acknowledged.
func (p *Phone) Push() []syncproto.Outcome {
	p.Helper()
	outs, err := p.TryPush()
	if err != nil {
		p.Fatalf("push: %v", err)
	}
	return outs
}

// Twin is a copy of the phone, as a restored backup makes one: the same log up
// to here, and another one from here on.
func (p *Phone) Twin() *Phone {
	twin := *p
	twin.log, twin.heads = slices.Clone(p.log), slices.Clone(p.heads)
	return &twin
}

// Upgrade installs an app of a later version of the schema.
func (p *Phone) Upgrade(version uint64) { p.schema = version }

// Rerecord opens a new epoch and records anew what came behind a number of the
// old one, as a phone does whose log was forked.
func (p *Phone) Rerecord(common uint64) {
	p.Helper()
	old := p.log[common:]
	p.epoch, p.log, p.acked = NewID(), nil, 0
	p.heads = []changelog.Hash{changelog.Genesis(p.Device.ID, p.epoch)}
	for _, raw := range old {
		ch, err := p.codec.Decode(raw)
		if err != nil {
			p.Fatal(err)
		}
		ch.Seq, ch.Txn = ch.Seq-common, ch.Txn-common
		b, err := p.codec.Encode(ch)
		if err != nil {
			p.Fatal(err)
		}
		p.log = append(p.log, b)
		p.heads = append(p.heads, changelog.Next(p.heads[len(p.heads)-1], b))
	}
}

// Recorded is how many changes the phone's log has.
func (p *Phone) Recorded() uint64 { return uint64(len(p.log)) }

// TryPush sends everything that is not acknowledged; a refusal comes back.
func (p *Phone) TryPush() ([]syncproto.Outcome, error) {
	to, head, wall := uint64(len(p.log)), p.heads[len(p.log)], p.Now.UnixMilli()
	a, err := p.Ledger.Push(context.Background(), p.Device, &syncproto.PushRequest{History: p.history[:], Device: p.Device.ID[:], Epoch: p.epoch[:],
		From: p.acked + 1, Prev: p.heads[p.acked][:], Changes: p.log[p.acked:], Head: head[:],
		Signature: ed25519.Sign(p.key, changelog.PushMessage(p.Device.ID, p.epoch, to, head, p.boot, 5, wall)), Boot: p.boot[:], Mono: 5, Wall: wall})
	if err != nil {
		return nil, err
	}
	p.acked = a.Acked
	return a.Outcomes, nil
}
