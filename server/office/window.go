package office

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// WindowDays is how long a closed and complete job stays on its crew's phones
// (PA-01: a phone keeps no customer's number longer than the work needs).
const WindowDays = 7

// Expired is one crew place that has done its work.
type Expired struct {
	Assignment uuid.UUID
	Rev        uint64
}

// Places finds crew places whose job is closed, complete and out of the
// window.
type Places interface {
	// ExpiredPlaces gives up to limit active assignments to jobs that were
	// closed before the time and are complete.
	ExpiredPlaces(ctx context.Context, centre uuid.UUID, closedBefore int64, limit int) ([]Expired, error)
}

// EndWindows takes closed and complete jobs off the phones by ending their
// crew places, as changes of the office's log. It gives how many it ended; a
// crash in the middle leaves the rest for the next time.
func EndWindows(ctx context.Context, j Journal, p Places, centre uuid.UUID, now time.Time) (int, error) {
	const each = 200
	before := now.AddDate(0, 0, -WindowDays).UnixMilli()
	for done := 0; ; {
		places, err := p.ExpiredPlaces(ctx, centre, before, each)
		if err != nil {
			return done, fmt.Errorf("look for closed jobs: %w", err)
		}
		if len(places) == 0 {
			return done, nil
		}
		edits := make([]ledger.Edit, len(places))
		for i, e := range places {
			edits[i] = ledger.Edit{Table: "assignment", Row: e.Assignment, Op: changelog.Update, Base: e.Rev, Cols: map[string]any{"active": false, "reason": "window"}}
		}
		if _, err := j.Write(ctx, centre, ledger.Author{Role: schema.Server}, edits); err != nil {
			return done, fmt.Errorf("end crew places: %w", err)
		}
		done += len(places)
	}
}
