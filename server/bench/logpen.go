package main

import (
	"context"
	"crypto/ed25519"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// logPen writes transactions straight into a raw device's log.
type logPen struct {
	d       *device
	pending []changelog.Change
}

func (l *logPen) Insert(table string, cols map[string]any) (uuid.UUID, error) {
	id := newID()
	l.pending = append(l.pending, changelog.Change{Table: table, Row: id, Op: changelog.Insert, Cols: plain(cols)})
	return id, nil
}

func (l *logPen) Update(table string, id uuid.UUID, cols map[string]any) error {
	l.pending = append(l.pending, changelog.Change{Table: table, Row: id, Op: changelog.Update, Cols: plain(cols)})
	return nil
}

// NextReceipt leaves receipts out: a raw device has no range of its own.
func (l *logPen) NextReceipt() (string, error) { return "", nil }

// commit ends the transaction.
func (l *logPen) commit() error {
	changes := l.pending
	l.pending = nil
	return l.d.transaction(changes)
}

// plain writes ids as the bytes that a change holds.
func plain(cols map[string]any) map[string]any {
	out := make(map[string]any, len(cols))
	for k, v := range cols {
		if id, ok := v.(uuid.UUID); ok {
			v = id[:]
		}
		out[k] = v
	}
	return out
}

// visits records whole visits of the device's jobs in turn until its log holds
// n changes at least.
func (d *device) visits(n int, say *phrases) error {
	p := &logPen{d: d}
	for i := 0; len(d.log) < n; i++ {
		v := &visit{job: d.jobs[i%len(d.jobs)], person: d.person, first: i < len(d.jobs), say: say, pictures: noPictures()}
		for _, step := range v.steps() {
			if err := step(p); err != nil {
				return err
			}
			if err := p.commit(); err != nil {
				return err
			}
		}
	}
	return nil
}

// fillBatch is how many changes go into a batch while a folder is filled.
const fillBatch = 500

// pushHere folds the device's log from change from on into the folder that is
// being filled, without a network. It gives the last number that is folded.
func (w *world) pushHere(ctx context.Context, d *device, from int) (int, error) {
	dev := ledger.Device{ID: d.id, Person: d.person, Centre: w.centre, Role: schema.Installer, Key: d.key.Public().(ed25519.PublicKey)}
	for from <= len(d.log) {
		to := min(from+fillBatch-1, len(d.log))
		for to < len(d.log) && !d.ends[to] { // a batch ends with a transaction
			to++
		}
		req := d.request(from, to)
		a, err := w.Ledger.Push(ctx, dev, req)
		if err != nil {
			return from - 1, err
		}
		if err := plainly(a, uint64(to)); err != nil {
			return from - 1, err
		}
		from = to + 1
	}
	return from - 1, nil
}

// plainly wants all acknowledged and nothing said of any change.
func plainly(a *syncproto.PushAnswer, want uint64) error {
	if a.Acked != want || len(a.Outcomes) > 0 {
		return notPlain(a, want)
	}
	return nil
}
