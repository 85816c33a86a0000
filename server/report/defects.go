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
	Material   string // of the product
	Model      string
	Photos     []schema.Row
	Present    map[[32]byte]bool // of the photos' files
	Verdicts   int               // adjudications so far
	Finals     int               // of them, those that say who is at fault
	Received   int               // returns whose goods are here
	Orders     int               // leftover orders that were filed for it
}

// DefectPlace is a defect's place in that queue and nothing else of it.
type DefectPlace struct {
	Centre, ID uuid.UUID
	Status     string
}

// DefectWindow is a part of the queue: of one state, or of all for "".
type DefectWindow struct {
	Status string
	Offset int
	Limit  int
}

// DefectCounts is how long the queue is.
type DefectCounts struct {
	ByStatus map[string]int
	Oldest   DefectPlace // the longest waiting one to be judged; zero for none
	Since    int64       // since when it waits, Unix milliseconds
}

// DefectSpot is where a defect stands among those of a state: also one that has
// just left it.
type DefectSpot struct {
	Before int // how many stand before it
	Total  int
	In     bool // it is one of them
	Prev   *DefectPlace
	Next   *DefectPlace // the one behind it, and at the end the first
}

// Precedent is the standing verdict on another defect of the same class.
type Precedent struct {
	Place    DefectPlace
	Text     string
	Material string
	Model    string
	Verdict  string
	Remedy   string
	Reason   string
	At       int64 // Unix milliseconds
}

// Waiting is a case that waits for a verdict, as far as it tells whether others
// are of the same batch.
type Waiting struct {
	Place    DefectPlace
	Rev      uint64
	Text     string
	Material string
	Model    string
	Store    string
	JobNo    string
}

// Batch names what cases of one batch have in common beside their class: the
// product's material and model; "" where neither is known.
func Batch(material, model string) string {
	if material == "" && model == "" {
		return ""
	}
	return material + "\x00" + model
}

// VerdictSum is how often a verdict was given, and the estimated cost of those
// that called goods back.
type VerdictSum struct {
	Verdict string
	Count   int
	Cost    int64 // fen
}

// DefectQueue is what headquarters' queue is read by; the oldest defect comes
// first.
type DefectQueue interface {
	OpenDefects(ctx context.Context, w DefectWindow) ([]DefectLine, error)
	OpenCounts(ctx context.Context) (DefectCounts, error)
	// OpenSpot gives a defect's place among those of a state; "" for all.
	OpenSpot(ctx context.Context, of DefectPlace, status string) (DefectSpot, error)
	// Precedents gives the last judged defects of a class, newest first.
	Precedents(ctx context.Context, class string, limit int) ([]Precedent, error)
	// Waiting gives the longest waiting cases of a class, at most limit.
	Waiting(ctx context.Context, class string, limit int) ([]Waiting, error)
	// VerdictSums adds up the verdicts given since a time in Unix milliseconds.
	VerdictSums(ctx context.Context, since int64) ([]VerdictSum, error)
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
