package report

import (
	"context"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// DefectLine is one row of headquarters' queue: a defect of any centre that
// waits for photos, goods or a verdict.
type DefectLine struct {
	Centre     uuid.UUID
	CentreName string
	Defect     schema.Row
	Since      int64 // Unix milliseconds by the server's clock: when its state was last set
	Contract   string
	Store      string
	JobNo      string
	Photos     []schema.Row
	Present    map[[32]byte]bool // of the photos' files
	Verdicts   int               // adjudications so far
}

// DefectPlace is a defect's place in that queue and nothing else of it.
type DefectPlace struct {
	Centre, ID uuid.UUID
	Status     string
}

// DefectQueue gives all defects that headquarters has to look at, oldest
// first; limit bounds them.
type DefectQueue interface {
	OpenDefects(ctx context.Context, limit int) ([]DefectLine, error)
	// OpenPlaces gives the same defects in the same order.
	OpenPlaces(ctx context.Context, limit int) ([]DefectPlace, error)
}

// Photo finds the photo of a role, the newest one where there are several;
// false where there is none.
func (l *DefectLine) Photo(role string) (schema.Row, bool) {
	for i := len(l.Photos) - 1; i >= 0; i-- {
		if l.Photos[i].Text("role") == role {
			return l.Photos[i], true
		}
	}
	return schema.Row{}, false
}
