package office

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
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

// Shape is one mark on a photo. Points are fractions of the picture's width and
// height, so that they fit the original, the preview and any zoom.
type Shape struct {
	Kind string     `json:"k"` // box or arrow
	At   [4]float64 `json:"p"` // from x, y to x, y
}

// maxShapes bounds one set of marks.
const maxShapes = 40

// ReadShapes reads a set of marks as a browser or the ledger gives it.
func ReadShapes(text string) ([]Shape, error) {
	var shapes []Shape
	if err := json.Unmarshal([]byte(text), &shapes); err != nil {
		return nil, fault.Wrap(fault.Invalid, "mark.shapes", err)
	}
	if len(shapes) > maxShapes {
		return nil, fault.New(fault.Invalid, "mark.many")
	}
	for i, s := range shapes {
		if s.Kind != "box" && s.Kind != "arrow" {
			return nil, fault.New(fault.Invalid, "mark.shapes")
		}
		for j, v := range s.At {
			if !(v >= 0 && v <= 1) {
				return nil, fault.New(fault.Invalid, "mark.shapes")
			}
			shapes[i].At[j] = float64(int(v*10000)) / 10000
		}
	}
	return shapes, nil
}

// Mark draws on a photo of a submitted defect: a record beside the photo that
// points to it. The original's bytes are not touched (DE-10). The newest set
// stands; an empty one takes the marks away.
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
	if p, ok := f.Find("photo", photo); !ok || p.UUID("defect") != d.ID || d.Text("status") == "open" {
		return fault.New(syncproto.NotFound, "error.not-found")
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
