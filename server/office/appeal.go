package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// AppealMark begins the note that an objection leaves on the job.
const AppealMark = "复议 · Appeal: "

// Appeal is the store's objection to a verdict, by the centre's supervisor:
// once per defect, with words and with evidence that the first verdict did not
// have – a photo of the defect or a drawing (AD-10). The case goes back into
// headquarters' queue; that another person judges it is Adjudicate's to see to.
func (b *Bench) Appeal(ctx context.Context, who Who, centre, defect uuid.UUID, base uint64, text string) error {
	if who.Role != schema.Supervisor || who.Centre != centre {
		return fault.New(syncproto.Forbidden, "appeal.supervisor")
	}
	f, d, err := b.defectFile(ctx, centre, defect)
	if err != nil {
		return err
	}
	if base != 0 && d.Rev != base {
		return fault.New(fault.Stale, "adjudicate.stale")
	}
	if d.Text("status") != "judged" {
		return fault.New(fault.Invalid, "appeal.not-judged")
	}
	if text = strings.TrimSpace(text); utf8.RuneCountInString(text) < 4 || len(text) > 1500 {
		return fault.New(fault.Invalid, "appeal.text")
	}
	finals := FinalVerdicts(&f, d.ID)
	if len(finals) != 1 {
		return fault.New(fault.Invalid, "appeal.once")
	}
	fresh, err := b.newEvidence(ctx, &f, d.ID, finals[0].Rev)
	if err != nil {
		return err
	}
	if !fresh {
		return fault.New(fault.Invalid, "appeal.evidence")
	}
	edits := []ledger.Edit{b.jobNote(who, f.Job, "escalation", AppealMark+text),
		{Table: "defect", Row: d.ID, Op: changelog.Update, Base: d.Rev, Cols: map[string]any{"status": "submitted"}, Was: map[string]any{"status": "judged"}}}
	if _, err := b.journal.Write(ctx, centre, who.author(), edits); err != nil {
		return fmt.Errorf("appeal of defect %s: %w", defect, err)
	}
	return nil
}

// FinalVerdicts are a defect's verdicts that name who is at fault, oldest
// first.
func FinalVerdicts(f *report.JobFile, defect uuid.UUID) []report.FileRow {
	var out []report.FileRow
	for _, a := range f.Where("adjudication", "defect", defect) {
		if final(a.Text("verdict")) {
			out = append(out, a)
		}
	}
	return out
}

// newEvidence looks for a photo or a drawing that came behind a rev.
func (b *Bench) newEvidence(ctx context.Context, f *report.JobFile, defect uuid.UUID, rev uint64) (bool, error) {
	for _, p := range f.Where("photo", "defect", defect) {
		if p.Rev > rev {
			return true, nil
		}
	}
	rows, err := b.files.StateRows(ctx, f.Centre, "drawing_annex", "defect", defect)
	if err != nil {
		return false, err
	}
	for _, r := range rows {
		if r.Rev > rev {
			return true, nil
		}
	}
	return false, nil
}

// Advise leaves an opinion on a defect's case: the word of somebody who may
// advise and not decide, or of an adjudicator who leaves the verdict to another
// (RP-04). It decides nothing.
func (b *Bench) Advise(ctx context.Context, who Who, centre, defect uuid.UUID, text string) error {
	if err := mayHandle(who, centre); err != nil {
		return err
	}
	if text = strings.TrimSpace(text); text == "" || len(text) > 2000 {
		return fault.New(fault.Invalid, "advise.text")
	}
	f, _, err := b.defectFile(ctx, centre, defect)
	if err != nil {
		return err
	}
	if _, err := b.journal.Write(ctx, centre, who.author(), []ledger.Edit{b.jobNote(who, f.Job, "opinion", text)}); err != nil {
		return fmt.Errorf("advise on defect %s: %w", defect, err)
	}
	return nil
}

func (b *Bench) jobNote(who Who, job uuid.UUID, kind, text string) ledger.Edit {
	return ledger.Edit{Table: "note", Row: b.newID(), Op: changelog.Insert, Cols: map[string]any{
		"job": job[:], "kind": kind, "text": text, "at": b.now().UnixMilli(), "author": who.Person[:]}}
}

// Shape is one mark on a photo.
type Shape = fieldwork.Shape

// ReadShapes reads a set of marks as a browser or the ledger gives it, and works
// out what was measured.
func ReadShapes(text string) ([]Shape, error) {
	var shapes []Shape
	if err := json.Unmarshal([]byte(text), &shapes); err != nil {
		return nil, fault.Wrap(fault.Invalid, "mark.shapes", err)
	}
	shapes, err := fieldwork.Measured(shapes)
	switch {
	case errors.Is(err, fieldwork.ErrManyShapes):
		return nil, fault.Wrap(fault.Invalid, "mark.many", err)
	case errors.Is(err, fieldwork.ErrRuler):
		return nil, fault.Wrap(fault.Invalid, "mark.ruler", err)
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, "mark.shapes", err)
	}
	return shapes, nil
}

// rulerFits refuses a ruler over a picture of another form than the photo's own
// row says: its lengths would be of another picture.
func rulerFits(shapes []Shape, photo schema.Row) bool {
	w, h := float64(photo.Int("width")), float64(photo.Int("height"))
	if w <= 0 || h <= 0 {
		return true
	}
	near := func(ratio, of float64) bool { return ratio > of*0.97 && ratio < of*1.03 }
	for _, s := range shapes {
		if s.Kind == fieldwork.ShapeRuler && !near(s.Ratio, w/h) && !near(s.Ratio, h/w) { // an upright photo is stored lying
			return false
		}
	}
	return true
}

// marksOf are the marks that stand on the photos of a defect, in the order of
// the photos: the newest set of each.
func (b *Bench) marksOf(ctx context.Context, f *report.JobFile, defect uuid.UUID) ([]fieldwork.PhotoMarks, error) {
	rows, err := b.files.StateRows(ctx, f.Centre, "photo_mark", "defect", defect)
	if err != nil {
		return nil, err
	}
	newest := map[uuid.UUID][]Shape{}
	for _, r := range rows {
		if shapes, err := ReadShapes(r.Text("shapes")); err == nil {
			newest[r.UUID("photo")] = shapes
		}
	}
	var out []fieldwork.PhotoMarks
	for _, p := range f.Where("photo", "defect", defect) {
		if shapes := newest[p.ID]; len(shapes) > 0 {
			out = append(out, fieldwork.PhotoMarks{Photo: p.ID, Shapes: shapes})
		}
	}
	return out, nil
}

// Mark draws on a photo of a submitted defect: a record beside the photo that
// points to it, with who and when. The original's bytes are not touched (DE-10).
// The newest set stands; an empty one takes the marks away. Lengths are worked
// out here, by the ruler that was drawn along the tape measure.
func (b *Bench) Mark(ctx context.Context, who Who, centre, defect, photo uuid.UUID, text string) error {
	if err := mayHandle(who, centre); err != nil {
		return err
	}
	shapes, err := ReadShapes(text)
	if err != nil {
		return err
	}
	f, d, err := b.defectFile(ctx, centre, defect)
	if err != nil {
		return err
	}
	p, ok := f.Find("photo", photo)
	if !ok || p.UUID("defect") != d.ID || d.Text("status") == "open" {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	if !rulerFits(shapes, p.Row) {
		return fault.New(fault.Invalid, "mark.ruler")
	}
	canonical, err := json.Marshal(shapes)
	if err != nil || shapes == nil {
		canonical = []byte("[]")
	}
	edit := ledger.Edit{Table: "photo_mark", Row: b.newID(), Op: changelog.Insert, Cols: map[string]any{"job": f.Job[:], "defect": d.ID[:], "photo": photo[:],
		"shapes": string(canonical), "at": b.now().UnixMilli(), "author": who.Person[:]}}
	if _, err := b.journal.Write(ctx, centre, who.author(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("mark photo %s: %w", photo, err)
	}
	return nil
}
