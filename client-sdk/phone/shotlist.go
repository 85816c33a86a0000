package phone

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// maxSkip is the most that the reason for a photo not taken holds, in bytes.
const maxSkip = 200

// listedShot is one place of the visit's shot list with its camera.
type listedShot struct {
	shot
	Reason string // why it was left out
	Typed  string // as typed after a refusal
}

// shotList holds the open visit against the list of its kind of job (DE-09).
// stages choose a part of it; none chooses all.
func (q *ask) shotList(f *jobFile, back string, stages ...fieldwork.Stage) []listedShot {
	var visit schema.Row
	if f.Visit != nil {
		visit = f.Visit.Visit
	}
	var out []listedShot
	for _, s := range fieldwork.ShotsOf(f.Job.Text("kind"), visit, f.Photos, f.Skips) {
		if len(stages) > 0 && !slices.Contains(stages, s.Stage) {
			continue
		}
		one := listedShot{shot: q.shots(f, back, uuid.Nil, s.Role)[0], Reason: s.Reason, Typed: q.field("skip_"+s.Role, maxSkip)}
		one.Hint, one.Need = s.In(q.lang), s.Missing() && len(stages) == 0
		out = append(out, one)
	}
	return out
}

// missingShots are the photos that the open visit still lacks.
func (f *jobFile) missingShots() []fieldwork.ShotState {
	if f.Visit == nil {
		return nil
	}
	return fieldwork.MissingShots(f.Job.Text("kind"), f.Visit.Visit, f.Photos, f.Skips)
}

// saveSkips records why photos of the list were not taken: the reason of each,
// or one for all that is missing. It is a transaction of its own, so that
// nothing else waits where a server is older than the phone.
func (q *ask) saveSkips() error {
	return q.change(func(e *clientsdk.Edit, f *jobFile) error {
		for _, s := range f.missingShots() {
			reason := cmp.Or(q.field("skip_"+s.Role, maxSkip), q.field("no_photo", maxSkip))
			if reason == "" {
				continue
			}
			if err := q.insertSkip(e, f.Visit.Visit.ID, uuid.Nil, s.Role, reason); err != nil {
				return err
			}
		}
		return nil
	})
}

// saveWanted records why a defect goes to the judge without what its pack asks
// for (DE-04, DE-06).
func (q *ask) saveWanted(defect uuid.UUID) error {
	return q.change(func(e *clientsdk.Edit, f *jobFile) error {
		d, ok := f.defect(defect)
		if !ok || f.Visit == nil {
			return nil
		}
		for _, w := range fieldwork.Wanted(d, f.Photos, f.Skips) {
			if reason := q.field("skip_"+w.Code, maxSkip); reason != "" {
				if err := q.insertSkip(e, f.Visit.Visit.ID, defect, fieldwork.WantedRoles()[w.Code], reason); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (q *ask) insertSkip(e *clientsdk.Edit, visit, defect uuid.UUID, role, reason string) error {
	cols := map[string]any{"visit": visit, "role": role, "reason": reason, "at": q.app.nowMilli()}
	if defect != uuid.Nil {
		cols["defect"] = defect
	}
	if _, err := e.Insert("shot_skip", cols); err != nil {
		return fmt.Errorf("photo not taken: %w", err)
	}
	return nil
}
