package office

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/ink"
	"siteledger/syncproto/schema"
)

// MaxStaffSignatures bounds the signatures on one leftover order.
const MaxStaffSignatures = 20

// StaffSignature is a signature of the designer or the head of the store that
// was drawn on the centre's screen (SF-06).
type StaffSignature struct {
	Defect  uuid.UUID
	Shown   string // hex of the digest of what the screen showed
	Signer  string // designer or store
	Name    string // of who signs, as it is read out under the drawing
	Strokes string // as [ink.Parse] reads them
}

// SignedLeftover is a leftover order with what stands under it.
type SignedLeftover struct {
	Rows       fieldwork.LeftoverRows
	Filed      bool
	Signatures []StaffStanding // newest last
	State      fieldwork.SignatureState
	// Shown is the hex of the digest of the order as it is, Text what is shown to
	// who signs; both are empty while nobody filed it, and where it is too long.
	Shown, Text string
}

// StaffStanding is one staff signature and how it stands.
type StaffStanding struct {
	schema.Row
	State   fieldwork.SignatureState
	Changed []fieldwork.Changed // what it covered and is otherwise now
}

// SignedLeftover reads a defect's leftover order with its signatures. An order
// counts as submitted while one of them stands: a typed name does not count.
func (b *Bench) SignedLeftover(ctx context.Context, centre uuid.UUID, defect schema.Row) (SignedLeftover, error) {
	s := SignedLeftover{State: fieldwork.SignatureNone, Rows: fieldwork.LeftoverRows{Defect: defect}}
	orders, err := b.files.StateRows(ctx, centre, "leftover_order", "defect", defect.ID)
	if err != nil || len(orders) == 0 {
		return s, err
	}
	s.Filed, s.Rows.Order = true, orders[len(orders)-1]
	if s.Rows.Drawings, err = b.files.StateRows(ctx, centre, "drawing_annex", "defect", defect.ID); err != nil {
		return s, err
	}
	signatures, err := b.files.StateRows(ctx, centre, "leftover_signature", "defect", defect.ID)
	if err != nil {
		return s, err
	}
	for _, row := range signatures {
		one := StaffStanding{Row: row, State: fieldwork.LeftoverStanding(row, s.Rows)}
		if one.State == fieldwork.SignatureSuperseded {
			one.Changed, _ = fieldwork.LeftoverChanged(row, s.Rows)
		}
		s.Signatures = append(s.Signatures, one)
	}
	s.State = fieldwork.LeftoverSigned(signatures, s.Rows)
	if content, hash, err := fieldwork.BoundLeftover(s.Rows); err == nil {
		s.Shown, s.Text = hex.EncodeToString(hash[:]), fieldwork.Readable(content)
	}
	return s, nil
}

// StaffPicture checks a staff signature before anything is stored and gives its
// picture, made from the strokes: a PNG of some 10 KB. It is refused where the
// order is not filed, where it is not what the screen showed any more, where
// nothing was drawn by hand, and where the very same drawing stands elsewhere
// already: a hand never draws the same twice.
func (b *Bench) StaffPicture(ctx context.Context, who Who, centre uuid.UUID, in StaffSignature) ([]byte, error) {
	_, picture, err := b.staffSignature(ctx, who, centre, in)
	return picture, err
}

// staffRow is what is written of a signature; nil where the same one is there
// already, as after a second tap.
type staffRow map[string]any

func (b *Bench) staffSignature(ctx context.Context, who Who, centre uuid.UUID, in StaffSignature) (staffRow, []byte, error) {
	if !who.atCentre() || who.Centre != centre {
		return nil, nil, fault.New(syncproto.Forbidden, "leftover.sign-desk")
	}
	defect, ok, err := b.files.StateRow(ctx, centre, "defect", in.Defect)
	if err != nil {
		return nil, nil, err
	}
	if !ok || defect.Text("status") == "open" {
		return nil, nil, fault.New(syncproto.NotFound, "error.not-found")
	}
	order, err := b.SignedLeftover(ctx, centre, defect)
	if err != nil {
		return nil, nil, err
	}
	drawing, derr := ink.Signature(in.Strokes)
	name := strings.TrimSpace(in.Name)
	table := b.schema.Table("leftover_signature")
	var p problems
	p.when(!order.Filed, "leftover.sign-unfiled")
	p.when(order.Filed && order.Shown == "", "leftover.sign-long")
	p.when(!slices.Contains(table.Column("signer").Values, in.Signer), "leftover.need", "leftover_signature.signer")
	p.when(name == "", "leftover.need", "leftover_signature.name")
	p.when(int64(len(name)) > table.Column("name").Max, "leftover.long", "leftover_signature.name")
	p.when(derr != nil, "leftover.sign-drawn")
	p.when(len(order.Signatures) >= MaxStaffSignatures, "leftover.sign-many")
	if err := p.fault(); err != nil {
		return nil, nil, err
	}
	if in.Shown != order.Shown {
		return nil, nil, fault.New(fault.Stale, "leftover.sign-changed")
	}
	picture, err := drawing.PNG()
	if err != nil {
		return nil, nil, err
	}
	content, hash, err := fieldwork.BoundLeftover(order.Rows)
	if err != nil {
		return nil, nil, err
	}
	job, sha := defect.UUID("job"), sha256.Sum256(picture)
	cols := staffRow{"job": job[:], "defect": defect.ID[:], "leftover": order.Rows.Order.ID[:], "signer": in.Signer, "name": name, "strokes": in.Strokes,
		"image": sha[:], "image_size": int64(len(picture)), "content": content, "content_hash": hash[:]}
	again, err := b.drawnBefore(ctx, centre, cols)
	if err != nil {
		return nil, nil, err
	}
	if again {
		return nil, picture, nil
	}
	return cols, picture, nil
}

// drawnBefore looks for the same drawing: again where it is this very
// signature, a fault where it is any other.
func (b *Bench) drawnBefore(ctx context.Context, centre uuid.UUID, cols staffRow) (again bool, err error) {
	image, _ := cols["image"].([]byte)
	named, err := b.files.BlobRows(ctx, centre, [32]byte(image))
	if err != nil {
		return false, err
	}
	for _, n := range named {
		row, ok, err := b.files.StateRow(ctx, centre, n.Table, n.Row)
		if err != nil {
			return false, err
		}
		hash, _ := cols["content_hash"].([]byte)
		if !ok || n.Table != "leftover_signature" || !bytes.Equal(row.Bytes("content_hash"), hash) || row.Text("signer") != cols["signer"] || row.Text("name") != cols["name"] {
			return false, fault.New(fault.Invalid, "leftover.sign-replay")
		}
		again = true
	}
	return again, nil
}

// SignLeftover writes a staff signature whose picture is stored. The same one
// again changes nothing.
func (b *Bench) SignLeftover(ctx context.Context, who Who, centre uuid.UUID, in StaffSignature, stored [32]byte) error {
	cols, picture, err := b.staffSignature(ctx, who, centre, in)
	if err != nil || cols == nil {
		return err
	}
	if sha256.Sum256(picture) != stored {
		return fmt.Errorf("sign leftover order of %s: another picture was stored", in.Defect)
	}
	cols["at"], cols["author"] = b.now().UnixMilli(), who.Person[:]
	edit := ledger.Edit{Table: "leftover_signature", Row: b.newID(), Op: changelog.Insert, Cols: cols}
	if _, err := b.journal.Write(ctx, centre, who.author(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("sign leftover order of %s: %w", in.Defect, err)
	}
	return nil
}
