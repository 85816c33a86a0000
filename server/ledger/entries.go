package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

// Entry is one change as the ledger knows it: what the device says, and when
// the server knew.
type Entry struct {
	Device, Epoch uuid.UUID
	ReceivedAt    int64
	SentWall      int64 // the device's clock when it sent
	SentMono      uint64
	SentBoot      uuid.UUID
	Change        *changelog.Change
}

// Mention finds the batches that may hold changes of a job.
type Mention interface {
	// BatchesOf gives the batches whose numbers the job's rows point at, in
	// order of their place.
	BatchesOf(ctx context.Context, centre, root uuid.UUID) ([]Batch, error)
	// RowsOf lists the rows under a root.
	RowsOf(ctx context.Context, centre, root uuid.UUID) (map[uuid.UUID]string, error)
}

// JobChanges gives every change of the job's rows that stands in the ledger,
// in the order of the stream.
func (l *Ledger) JobChanges(ctx context.Context, m Mention, centre, job uuid.UUID) ([]Entry, error) {
	rows, err := m.RowsOf(ctx, centre, job)
	if err != nil {
		return nil, fmt.Errorf("rows of job %s: %w", job, err)
	}
	batches, err := m.BatchesOf(ctx, centre, job)
	if err != nil {
		return nil, fmt.Errorf("batches of job %s: %w", job, err)
	}
	var out []Entry
	for _, b := range batches {
		changes, err := l.unpacker.changes(b)
		if err != nil {
			return nil, err
		}
		for _, it := range l.items(b.First, changes) {
			if ch := it.Change; ch != nil && (rows[ch.Row] != "" || ch.Row == job) {
				out = append(out, Entry{Device: b.Device, Epoch: b.Epoch, ReceivedAt: b.ReceivedAt, SentWall: b.Wall, SentMono: b.Mono, SentBoot: b.Boot, Change: ch})
			}
		}
	}
	return out, nil
}
