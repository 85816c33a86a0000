package archive

import (
	"context"
	"fmt"
	"time"

	"siteledger/server/ledger"
)

// Lag is how far the bucket is behind the ledger, over the streams that this
// server ships.
type Lag struct {
	Batches int   // committed and not in the bucket
	Oldest  int64 // when the oldest of them was received, Unix milliseconds; 0 for none
	Err     error // of the last round; nil where all went well
	// Whole is when the last round began that went well to its end, or the
	// shipper was made, Unix milliseconds.
	Whole int64
}

// blind is how old a round that went well may be before nobody can say that
// nothing waits: rounds come several times as often.
const blind = time.Minute

// Behind is how long the oldest batch has waited. Where no round has ended well
// for some time, as one hangs or cannot even ask what there is, it is taken to
// have waited since the last one that did.
func (l Lag) Behind(now time.Time) time.Duration {
	var behind time.Duration
	if l.Oldest != 0 {
		behind = max(0, now.Sub(time.UnixMilli(l.Oldest)))
	}
	if since := now.Sub(time.UnixMilli(l.Whole)); since > blind {
		behind = max(behind, since)
	}
	return behind
}

// add counts what a stream has waiting.
func (l *Lag) add(ctx context.Context, src Streams, st ledger.Stream, p *place) error {
	at := uint64(0)
	if p != nil {
		at = p.pos
	}
	if at >= st.Pos {
		return nil
	}
	l.Batches += int(st.Pos - at)
	next, err := src.Batches(ctx, st.Centre, at, 1)
	if err != nil {
		return fmt.Errorf("how far stream %s is behind: %w", st.Centre, err)
	}
	if len(next) > 0 && (l.Oldest == 0 || next[0].ReceivedAt < l.Oldest) {
		l.Oldest = next[0].ReceivedAt
	}
	return nil
}

// Lag gives the lag after the last round. What was committed since counts from
// the next one.
func (s *Shipper) Lag() Lag {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lag
}
