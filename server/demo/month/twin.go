package month

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/hlc"
)

// Twin is a phone that was set up from an old copy of itself: its log goes on
// in another way than the server has it, which the server refuses and sets
// aside; then the phone records the same anew under a new epoch.
type Twin struct {
	Phone *Phone
	Epoch uuid.UUID // the new one
	Edits []ledger.Edit
}

func (l *loader) twin(ctx context.Context, t *Twin) error {
	ph := l.phones[t.Phone]
	if ph == nil || ph.seq == 0 {
		return nil // it has sent nothing that it could contradict
	}
	seq, now := ph.seq, l.Clock.Now()
	ph.seq, ph.head = seq-1, ph.before
	record := Record{At: now.Add(-1), Edits: t.Edits}
	if _, err := l.offer(ctx, ph, record); fault.CodeOf(err) != syncproto.LogForked {
		return fmt.Errorf("the copy of the phone of %s was not noticed: %w", ph.Person.Name, err)
	}
	ph.Epoch, ph.seq, ph.head, ph.clock = t.Epoch, 0, changelog.Genesis(ph.device.ID, t.Epoch), hlc.NewClock(0)
	answer, err := l.offer(ctx, ph, record)
	if err != nil {
		return fmt.Errorf("push of %s under a new epoch: %w", ph.Person.Name, err)
	}
	ph.clock.Observe(hlc.Timestamp(answer.HLC))
	l.loaded.Pushes++
	l.loaded.Changes += len(t.Edits)
	return nil
}

// offer sends one record as the log's next changes.
func (l *loader) offer(ctx context.Context, ph *phoneLog, r Record) (*syncproto.PushAnswer, error) {
	now := l.Clock.Now()
	req := &syncproto.PushRequest{History: raw(ph.history), Device: raw(ph.device.ID), Epoch: raw(ph.Epoch), From: ph.seq + 1, Prev: append([]byte(nil), ph.head[:]...),
		Boot: raw(ph.Boot), Mono: ph.mono(now), Wall: now.Add(ph.Offset).UnixMilli()}
	if err := l.encode(ph, r, req); err != nil {
		return nil, err
	}
	req.Head = append([]byte(nil), ph.head[:]...)
	req.Signature = ed25519.Sign(ph.Private, changelog.PushMessage(ph.device.ID, ph.Epoch, ph.seq, ph.head, ph.Boot, req.Mono, req.Wall))
	return l.Ledger.Push(ctx, ph.device, req)
}
