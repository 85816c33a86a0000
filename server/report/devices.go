package report

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// SilentAfter is how long without a contact a phone counts as silent: a day
// off does, a night does not.
const SilentAfter = 24 * time.Hour

// OddClock is by how much a phone's clock may be off before it is shown.
const OddClock = time.Minute

// DeviceLine is a phone of the centre. Times are Unix milliseconds, 0 for
// "not".
type DeviceLine struct {
	ID          uuid.UUID
	Person      uuid.UUID
	Name        string // of the person
	Active      bool   // the person
	Platform    string
	Model       string
	App         string
	EnrolledAt  int64
	RevokedAt   int64
	LastContact int64
	ClockOffset int64 // the phone's clock minus the server's, milliseconds
	Changes     int64 // changes received of it
}

// Silent says whether nothing was heard of a phone in use for [SilentAfter].
func (d *DeviceLine) Silent(now time.Time) bool {
	since := max(d.LastContact, d.EnrolledAt)
	return d.RevokedAt == 0 && d.Active && now.UnixMilli()-since > SilentAfter.Milliseconds()
}

// OddClock says whether its clock is off by more than [OddClock].
func (d *DeviceLine) OddClock() bool {
	return d.ClockOffset > OddClock.Milliseconds() || -d.ClockOffset > OddClock.Milliseconds()
}

// OffsetSeconds is the clock's error in whole seconds with its sign.
func (d DeviceLine) OffsetSeconds() string { return fmt.Sprintf("%+d", d.ClockOffset/1000) }

// Phones are the phones of a centre, those in use first.
type Phones interface {
	Phones(ctx context.Context, centre uuid.UUID) ([]DeviceLine, error)
}
