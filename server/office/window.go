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
	// ExpiredGuests gives those who see such a job without an active
	// assignment, because they recorded it on the spot.
	ExpiredGuests(ctx context.Context, centre uuid.UUID, closedBefore int64, limit int) ([]Guest, error)
}

// Guest is somebody who sees a job without a place on its crew.
type Guest struct{ Person, Job uuid.UUID }

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
		guests, err := p.ExpiredGuests(ctx, centre, before, each)
		if err != nil {
			return done, fmt.Errorf("look for closed jobs: %w", err)
		}
		if len(places)+len(guests) == 0 {
			return done, nil
		}
		edits := make([]ledger.Edit, len(places), len(places)+len(guests))
		for _, g := range guests {
			// A place that is over from the start ends the membership.
			id := uuid.NewSHA1(g.Job, fmt.Appendf(nil, "window %s %d", g.Person, now.UnixMilli()))
			edits = append(edits, ledger.Edit{Table: "assignment", Row: id, Op: changelog.Insert,
				Cols: map[string]any{"job": g.Job[:], "person": g.Person[:], "active": false, "reason": "window"}})
		}
		for i, e := range places {
			edits[i] = ledger.Edit{Table: "assignment", Row: e.Assignment, Op: changelog.Update, Base: e.Rev, Cols: map[string]any{"active": false, "reason": "window"}}
		}
		if _, err := j.Write(ctx, centre, ledger.Author{Role: schema.Server}, edits); err != nil {
			return done, fmt.Errorf("end crew places: %w", err)
		}
		done += len(places) + len(guests)
	}
}
