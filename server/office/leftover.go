package office

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// Leftover is the trade's form of a leftover problem (遗留问题处理单) as
// somebody filled it in. Class is what the store takes it for; the verdict says
// what it is (AD-01).
type Leftover struct {
	Defect uuid.UUID
	Base   uint64 // rev of the form that the screen showed; 0 for the first one
	Class  string // hq or store
	Texts  map[string]string
	Times  map[string]int64 // Unix milliseconds
}

// LeftoverColumns are the fields that a leftover form must have, in the form's
// order (AD-02), and the short reason that goes with its drawings (AD-04).
func LeftoverColumns() []string {
	return []string{"contract_no", "customer", "address", "phone", "order_time", "delivery_date", "judgement", "change_content",
		"material", "edge_profile", "edge_band", "drawing_size", "reason"}
}

// LeftoverOf is the form as it stands, or as a new one would begin: with what
// the job knows already. written says that somebody has filed it.
func (b *Bench) LeftoverOf(ctx context.Context, f *report.JobFile, defect report.FileRow) (row schema.Row, written bool, err error) {
	rows, err := b.files.StateRows(ctx, f.Centre, "leftover_order", "defect", defect.ID)
	if err != nil {
		return schema.Row{}, false, err
	}
	if len(rows) > 0 {
		return rows[len(rows)-1], true, nil
	}
	item, ok := f.Find("job_item", defect.UUID("item"))
	if !ok {
		item = f.First("job_item")
	}
	head, _ := f.Head()
	contact := f.First("job_contact")
	cols := map[string]any{"contract_no": item.Text("contract_no"), "customer": contact.Text("name"), "address": contact.Text("address"),
		"phone": contact.Text("phone"), "judgement": defect.Text("text"), "reason": ""}
	if head.Text("contract_no") != "" {
		cols["contract_no"] = head.Text("contract_no")
	}
	for _, name := range []string{"material", "edge_profile", "edge_band", "drawing_size"} {
		cols[name] = item.Text(name)
	}
	if n := defect.Int("drawing_size"); n > 0 {
		cols["drawing_size"] = fmt.Sprintf("%d mm", n)
	}
	for _, name := range []string{"order_time", "delivery_date"} {
		if at := item.Int(name); at != 0 {
			cols[name] = at
		}
	}
	return schema.Row{Table: "leftover_order", Cols: cols}, false, nil
}

// File writes a leftover form, or changes it. It is refused with the list of
// what is missing, each by its name in the trade; a countertop that is to be
// remade needs its drawing first (AD-02, AD-04).
func (b *Bench) File(ctx context.Context, who Who, centre uuid.UUID, in Leftover) error {
	if err := mayHandle(who, centre); err != nil {
		return err
	}
	_, d, err := b.defectFile(ctx, centre, in.Defect)
	if err != nil {
		return err
	}
	cols, err := b.leftoverCells(in)
	if err != nil {
		return err
	}
	if err := b.needsDrawing(ctx, centre, d); err != nil {
		return err
	}
	rows, err := b.files.StateRows(ctx, centre, "leftover_order", "defect", d.ID)
	if err != nil {
		return err
	}
	cols["at"], cols["author"] = b.now().UnixMilli(), who.Person[:]
	edit := ledger.Edit{Table: "leftover_order", Row: b.newID(), Op: changelog.Insert, Cols: cols}
	switch {
	case len(rows) == 0 && in.Base != 0, len(rows) > 0 && rows[len(rows)-1].Rev != in.Base:
		return fault.New(fault.Stale, "leftover.stale")
	case len(rows) > 0:
		old := rows[len(rows)-1]
		was := make(map[string]any, len(cols))
		for name := range cols {
			was[name] = old.Cols[name]
		}
		edit.Row, edit.Op, edit.Base, edit.Was = old.ID, changelog.Update, old.Rev, was
	default:
		job := d.UUID("job")
		cols["defect"], cols["job"] = d.ID[:], job[:]
	}
	if _, err := b.journal.Write(ctx, centre, who.author(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("file leftover form of %s: %w", in.Defect, err)
	}
	return nil
}

// leftoverCells checks the form against the schema: all that is wrong is said
// at once.
func (b *Bench) leftoverCells(in Leftover) (map[string]any, error) {
	var p problems
	t := b.schema.Table("leftover_order")
	p.when(!slices.Contains(t.Column("class").Values, in.Class), "leftover.need", "leftover_order.class")
	cols := map[string]any{"class": in.Class}
	for _, name := range LeftoverColumns() {
		c := t.Column(name)
		if c.Type == schema.Time {
			at := in.Times[name]
			p.when(at <= 0 || at > 1<<43, "leftover.need", "leftover_order."+name)
			cols[name] = at
			continue
		}
		v := strings.TrimSpace(in.Texts[name])
		p.when(v == "", "leftover.need", "leftover_order."+name)
		p.when(int64(len(v)) > c.Max, "leftover.long", "leftover_order."+name)
		cols[name] = v
	}
	return cols, p.fault()
}

func (b *Bench) needsDrawing(ctx context.Context, centre uuid.UUID, d report.FileRow) error {
	switch d.Text("class") {
	case fieldwork.TopCrack, "top_warp", "top_colour":
	default:
		return nil
	}
	rows, err := b.files.StateRows(ctx, centre, "drawing_annex", "defect", d.ID)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fault.New(fault.Invalid, "leftover.drawing")
	}
	return nil
}

// Annex is a drawing that goes with a leftover form. Its bytes are stored
// before; the row names them.
type Annex struct {
	Defect     uuid.UUID
	Name       string // as the file was called
	SHA        [32]byte
	Size       int64
	Type       string // a media type of [DrawingType]
	ActualSize bool   // the dimensions in it are actual sizes
}

// MaxAnnexes bounds the drawings of one defect.
const MaxAnnexes = 20

// DrawingType is the media type of a drawing by its file's name: dwg, dxf or
// pdf (AD-04); "" for any other. What the bytes are is checked where they are
// stored.
func DrawingType(name string) string {
	_, end, _ := strings.Cut(name[max(0, strings.LastIndexByte(name, '.')):], ".")
	switch strings.ToLower(end) {
	case "dwg":
		return "image/vnd.dwg"
	case "dxf":
		return "image/vnd.dxf"
	case "pdf":
		return "application/pdf"
	}
	return ""
}

// Attach adds a drawing to a defect. One whose dimensions nobody vouches for is
// refused.
func (b *Bench) Attach(ctx context.Context, who Who, centre uuid.UUID, in Annex) error {
	if err := b.MayAttach(ctx, who, centre, in); err != nil {
		return err
	}
	_, d, err := b.defectFile(ctx, centre, in.Defect)
	if err != nil {
		return err
	}
	job := d.UUID("job")
	edit := ledger.Edit{Table: "drawing_annex", Row: b.newID(), Op: changelog.Insert, Cols: map[string]any{
		"job": job[:], "defect": d.ID[:], "name": in.Name, "file": in.SHA[:], "file_size": in.Size, "file_type": in.Type,
		"actual_size": true, "at": b.now().UnixMilli(), "author": who.Person[:]}}
	if _, err := b.journal.Write(ctx, centre, who.author(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("attach drawing to %s: %w", in.Defect, err)
	}
	return nil
}

// MayAttach says whether [Bench.Attach] would take a drawing of this name, so
// that nothing is stored in vain.
func (b *Bench) MayAttach(ctx context.Context, who Who, centre uuid.UUID, in Annex) error {
	if err := mayHandle(who, centre); err != nil {
		return err
	}
	var p problems
	name := strings.TrimSpace(in.Name)
	p.when(name == "" || len(name) > 200 || strings.ContainsAny(name, "/\\\x00"), "annex.name")
	p.when(DrawingType(name) == "", "annex.type")
	p.when(!in.ActualSize, "annex.actual")
	if err := p.fault(); err != nil {
		return err
	}
	row, ok, err := b.files.StateRow(ctx, centre, "defect", in.Defect)
	if err != nil {
		return err
	}
	if !ok || row.Text("status") == "open" {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	rows, err := b.files.StateRows(ctx, centre, "drawing_annex", "defect", in.Defect)
	if err != nil {
		return err
	}
	if len(rows) >= MaxAnnexes {
		return fault.New(fault.Invalid, "annex.many")
	}
	return nil
}

// mayHandle: the centre's own desk, and headquarters' adjudicators.
func mayHandle(who Who, centre uuid.UUID) error {
	if who.Role == schema.Adjudicator || who.atCentre() && who.Centre == centre {
		return nil
	}
	return fault.New(syncproto.Forbidden, "adjudicate.only")
}
