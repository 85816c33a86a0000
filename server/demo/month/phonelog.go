package month

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/hlc"
	"siteledger/syncproto/schema"
)

// phoneLog is a phone's log while the month is played: numbered, chained and
// signed with the phone's own key.
type phoneLog struct {
	*Phone
	Epoch   uuid.UUID // of its log now; a forked phone has taken another
	device  ledger.Device
	history uuid.UUID
	ranges  []syncproto.ReceiptRange
	clock   *hlc.Clock
	seq     uint64
	head    changelog.Hash
	before  changelog.Hash // head before the last change
	seen    []sighting
}

// sighting says what the phone had seen of the centre since a moment.
type sighting struct {
	at  time.Time
	rev uint64
}

func (p *phoneLog) meet(at time.Time, rev uint64) { p.seen = append(p.seen, sighting{at, rev}) }

// base is the rev that the phone had at a moment.
func (p *phoneLog) base(at time.Time) uint64 {
	rev := uint64(0)
	for _, s := range p.seen {
		if s.at.After(at) {
			break
		}
		rev = s.rev
	}
	return rev
}

// number gives the n-th receipt number of the phone's range.
func (p *phoneLog) number(n int64) string {
	r := p.ranges[0]
	return fieldwork.Format(r.Prefix, r.From+n-1)
}

// enrol makes a phone known with a one-time code, as a phone does.
func (l *loader) enrol(ctx context.Context, ph *Phone, at time.Time) error {
	code, _, err := l.Accounts.NewCode(ctx, l.m.desk().ID, ph.Person.ID)
	if err != nil {
		return fmt.Errorf("code for %s: %w", ph.Person.Name, err)
	}
	public := ph.Private.Public().(ed25519.PublicKey)
	answer, err := l.Accounts.Enrol(ctx, syncproto.EnrolRequest{
		Code: code, PublicKey: public, Proof: ed25519.Sign(ph.Private, changelog.EnrolMessage(uuid.Nil, public, code)),
		Platform: "android", Model: ph.Model, App: "1.0.0", Schema: l.Schema.Version,
	}, "sample")
	if err != nil {
		return fmt.Errorf("enrol the phone of %s: %w", ph.Person.Name, err)
	}
	l.phones[ph] = &phoneLog{
		Phone: ph, Epoch: ph.Epoch, history: answer.History, ranges: answer.ReceiptRanges, clock: hlc.NewClock(0),
		device: ledger.Device{ID: answer.Device, Person: answer.Person, Centre: answer.Centre, Role: ph.Person.Role, Key: public},
		head:   changelog.Genesis(answer.Device, ph.Epoch),
	}
	l.loaded.Changes += 2
	return nil
}

// desk is who gives out codes.
func (m *Month) desk() *Person {
	for _, p := range m.People {
		if p.Role == schema.Supervisor && p.Centre == m.Centre {
			return p
		}
	}
	return nil
}

// push sends records as the phone's next changes, then its files.
func (l *loader) push(ctx, steady context.Context, p *Push) error {
	ph := l.phones[p.Phone]
	for _, r := range p.Records {
		for _, b := range r.Blobs {
			if err := l.await(ctx, b); err != nil {
				return err
			}
		}
	}
	now := l.Clock.Now()
	// A batch holds at most a thousand changes; a phone's day has far fewer,
	// but one that was silent may have more.
	for len(p.Records) > 0 {
		n, changes := 0, 0
		for n < len(p.Records) && changes+len(p.Records[n].Edits) <= 900 {
			changes += len(p.Records[n].Edits)
			n++
		}
		if err := l.batch(ctx, steady, ph, p, p.Records[:n], now); err != nil {
			return err
		}
		p = &Push{Phone: p.Phone, Records: p.Records[n:]}
	}
	return nil
}

func (l *loader) batch(ctx, steady context.Context, ph *phoneLog, p *Push, records []Record, now time.Time) error {
	req := &syncproto.PushRequest{
		History: raw(ph.history), Device: raw(ph.device.ID), Epoch: raw(ph.Epoch), From: ph.seq + 1, Prev: append([]byte(nil), ph.head[:]...),
		Boot: raw(ph.Boot), Mono: ph.mono(now), Wall: now.Add(ph.Offset).UnixMilli(),
	}
	var blobs []*Blob
	names := map[uint64]string{}
	for _, r := range records {
		names[ph.seq+1] = r.Name
		if err := l.encode(ph, r, req); err != nil {
			return err
		}
		blobs = append(blobs, r.Blobs...)
	}
	req.Head = append([]byte(nil), ph.head[:]...)
	req.Signature = ed25519.Sign(ph.Private, changelog.PushMessage(ph.device.ID, ph.Epoch, ph.seq, ph.head, ph.Boot, req.Mono, req.Wall))
	answer, err := l.Ledger.Push(steady, ph.device, req)
	if err != nil {
		return fmt.Errorf("push of %s: %w", ph.Person.Name, err)
	}
	if p.Again {
		if answer, err = l.Ledger.Push(steady, ph.device, req); err != nil {
			return fmt.Errorf("second push of %s: %w", ph.Person.Name, err)
		}
	}
	ph.clock.Observe(hlc.Timestamp(answer.HLC))
	ph.meet(now, l.revs[ph.device.Centre])
	for _, o := range answer.Outcomes {
		if name := names[o.Seq]; name != "" && o.Code == syncproto.Conflict && len(o.Case) == 16 {
			l.cases[name] = uuid.UUID(o.Case)
		}
	}
	l.loaded.Pushes++
	l.loaded.Changes += len(req.Changes)
	return l.sendFiles(ctx, ph.device, blobs)
}

func (ph *Phone) mono(at time.Time) uint64 { return uint64(max(at.Sub(ph.Started), 0).Milliseconds()) }

// encode appends a record's changes to the phone's log and to the batch.
func (l *loader) encode(ph *phoneLog, r Record, req *syncproto.PushRequest) error {
	wall := r.At.Add(ph.Offset).UnixMilli()
	txn := ph.seq + 1
	for i, e := range r.Edits {
		ph.seq++
		ch := changelog.Change{
			Seq: ph.seq, HLC: uint64(ph.clock.Next(wall)), Wall: wall, Txn: txn, Last: i == len(r.Edits)-1, Table: e.Table, Row: e.Row, Op: e.Op,
			Base: ph.base(r.At), Cols: l.fill(e.Cols), Actor: ph.Person.ID, Schema: uint64(l.Schema.Version), Was: e.Was, Boot: ph.Boot, Mono: ph.mono(r.At),
		}
		if e.Op == changelog.Insert {
			ch.Base = 0
		}
		// Drawn from the row, so that the month stays a function of its seed.
		salt := newID(r.At, e.Row)
		copy(ch.Salt[:], salt[:])
		binary.BigEndian.PutUint64(ch.Salt[:8], ph.seq)
		b, err := l.codec.Encode(&ch)
		if err != nil {
			return fmt.Errorf("encode %s: %w", e.Table, err)
		}
		ph.before, ph.head = ph.head, changelog.Next(ph.head, b)
		req.Changes = append(req.Changes, b)
	}
	return nil
}
