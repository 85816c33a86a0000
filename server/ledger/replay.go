package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/reconcile"
	"siteledger/syncproto/fieldwork"
)

// Source reads whole streams, for a rebuild.
type Source interface {
	Batches(ctx context.Context, centre uuid.UUID, after uint64, limit int) ([]Batch, error)
}

// Rebuild folds every batch of the streams again, in the order in which they
// were folded first: each stream by its places, a centre's batch after the
// headquarters rev that it was folded against. It goes on where the ledger's
// own store stands, from the beginning where that is empty but for the streams
// themselves. A centre's batch that was folded against a headquarters which the
// source does not have ends that centre's stream. progress is told after each
// batch.
func (l *Ledger) Rebuild(ctx context.Context, src Source, headquarters uuid.UUID, centres []uuid.UUID, progress func(changes int)) error {
	hq, err := l.from(ctx, headquarters)
	if err != nil {
		return err
	}
	streams := make([]*replay, len(centres))
	for i, c := range centres {
		if streams[i], err = l.from(ctx, c); err != nil {
			return err
		}
	}
	for {
		s, err := earliest(ctx, src, streams)
		if err != nil {
			return err
		}
		if s == nil {
			return l.catchUp(ctx, src, hq, ^uint64(0), progress)
		}
		b, _, err := s.next(ctx, src)
		if err != nil {
			return err
		}
		if err := l.catchUp(ctx, src, hq, b.HQRev, progress); err != nil {
			return err
		}
		if hq.rev < b.HQRev {
			s.page, s.ended = nil, true
			continue
		}
		if err := l.Replay(ctx, b); err != nil {
			return err
		}
		progress(int(b.Last - b.First + 1))
	}
}

// from starts reading a stream behind what the ledger's own store has of it.
func (l *Ledger) from(ctx context.Context, centre uuid.UUID) (*replay, error) {
	r := &replay{centre: centre}
	err := l.Update(ctx, centre, func(tx Tx) error {
		s, err := tx.Stream(ctx)
		r.after, r.rev = s.Pos, s.Rev
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", centre, err)
	}
	return r, nil
}

// earliest picks the centre whose next batch was folded against the oldest
// state of headquarters, so that headquarters never runs ahead of any; nil at
// the end of all.
func earliest(ctx context.Context, src Source, streams []*replay) (*replay, error) {
	var first *replay
	for _, s := range streams {
		ok, err := s.fill(ctx, src)
		if err != nil {
			return nil, err
		}
		if ok && (first == nil || s.page[0].HQRev < first.page[0].HQRev) {
			first = s
		}
	}
	return first, nil
}

// catchUp folds headquarters' batches up to a rev.
func (l *Ledger) catchUp(ctx context.Context, src Source, hq *replay, rev uint64, progress func(int)) error {
	for hq.rev < rev {
		b, ok, err := hq.next(ctx, src)
		if err != nil || !ok {
			return err
		}
		if err := l.Replay(ctx, b); err != nil {
			return err
		}
		progress(int(b.Last - b.First + 1))
		if err := l.Update(ctx, b.Centre, func(tx Tx) error {
			s, err := tx.Stream(ctx)
			hq.rev = s.Rev
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// replay reads one stream's batches one by one.
type replay struct {
	centre uuid.UUID
	after  uint64
	rev    uint64
	page   []Batch
	ended  bool
}

// fill reads on where nothing is in hand; false at the end of the stream.
func (r *replay) fill(ctx context.Context, src Source) (bool, error) {
	if len(r.page) > 0 || r.ended {
		return len(r.page) > 0, nil
	}
	var err error
	if r.page, err = src.Batches(ctx, r.centre, r.after, 100); err != nil {
		return false, fmt.Errorf("read ledger of %s: %w", r.centre, err)
	}
	r.ended = len(r.page) == 0
	return !r.ended, nil
}

func (r *replay) next(ctx context.Context, src Source) (Batch, bool, error) {
	if ok, err := r.fill(ctx, src); err != nil || !ok {
		return Batch{}, false, err
	}
	b := r.page[0]
	r.page, r.after = r.page[1:], b.Pos
	return b, true, nil
}

// Replay folds one stored batch at the end of its stream, with the time and
// the place that it had, and stores it as it is.
func (l *Ledger) Replay(ctx context.Context, b Batch) error {
	changes, err := l.unpacker.changes(b)
	if err != nil {
		return err
	}
	return l.folding(ctx, b.Centre, func(tx Tx, alone reconcile.Alone) error {
		stream, err := tx.Stream(ctx)
		if err != nil {
			return err
		}
		log, known, err := tx.Log(ctx, b.Device, b.Epoch)
		if err != nil {
			return err
		}
		if b.First != log.Acked+1 || b.Prev != log.Head || b.Pos != stream.Pos+1 {
			return fmt.Errorf("batch %d of stream %s does not continue it", b.Pos, b.Centre)
		}
		office := b.Device == stream.OfficeDevice
		if !known {
			log.Opened = b.Pos
		}
		if !known && !office {
			dev, err := tx.Row(ctx, "device", b.Device)
			if err != nil {
				return err
			}
			if dev != nil {
				log.Person = dev.UUID("person")
			}
		}
		if err := l.foldAgain(ctx, tx, &b, &stream, log.Person, l.items(b.First, changes), alone); err != nil {
			return fmt.Errorf("fold batch %d of stream %s again: %w", b.Pos, b.Centre, err)
		}
		if err := tx.Append(ctx, b); err != nil {
			return err
		}
		stream.Pos = b.Pos
		log.Acked, log.Head = b.Last, b.Head
		if err := tx.SaveLog(ctx, log); err != nil {
			return err
		}
		return tx.SaveStream(ctx, stream)
	})
}

// foldAgain folds a stored batch as it was folded first, or begins the history
// that it is the entry of.
func (l *Ledger) foldAgain(ctx context.Context, tx Tx, b *Batch, stream *Stream, person uuid.UUID, items []reconcile.Item, alone reconcile.Alone) error {
	office := b.Device == stream.OfficeDevice
	if cut, ok := historyEntry(items); ok && office && b.First == 1 {
		if cut.Last != stream.Rev {
			return fmt.Errorf("a history that begins behind rev %d, not %d", cut.Last, stream.Rev)
		}
		stream.Rev, stream.OfficeEpoch, stream.Cuts, stream.Schema = cut.Floor, b.Epoch, append(stream.Cuts, cut), b.Schema
		return nil
	}
	engine, err := l.engine(b.Schema, b.Rules)
	if err != nil {
		return err
	}
	fold := engine.Start(tx, stream.Centre, stream.Headquarters, stream.Rev, stream.HLC)
	if office {
		alone = nil
	}
	batch := reconcile.Batch{Log: reconcile.LogID{Device: b.Device, Epoch: b.Epoch}, Office: office, Person: person,
		Sent: fieldwork.Moment{Wall: b.Wall, Boot: b.Boot, Mono: b.Mono}, Alone: alone,
		Items: items, Received: b.ReceivedAt, Cuts: stream.Cuts, Strict: office}
	if up, ok := upgradeEntry(items); ok && office {
		err = fold.Upgrade(ctx, batch, up.earlier)
	} else {
		err = fold.Batch(ctx, batch)
	}
	if err != nil {
		return folded(err)
	}
	if err := fold.Flush(ctx); err != nil {
		return folded(err)
	}
	b.Roots = fold.Roots()
	stream.Rev, stream.HLC, stream.Schema = fold.Rev(), fold.HLC(), b.Schema
	return nil
}
