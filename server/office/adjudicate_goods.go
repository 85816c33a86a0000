package office

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Urge asks the phone that holds a photo's original to upload it now. Asking
// for a file that is in already is Invalid.
func (b *Bench) Urge(ctx context.Context, who Who, centre, photo uuid.UUID) error {
	if who.Role != schema.Adjudicator && (!who.atCentre() || who.Centre != centre) {
		return fault.New(syncproto.Forbidden, "adjudicate.only")
	}
	row, ok, err := b.files.StateRow(ctx, centre, "photo", photo)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	f, err := b.files.JobFile(ctx, centre, row.Root)
	if err != nil {
		return err
	}
	p, ok := f.Find("photo", photo)
	if !ok {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	if f.HasBlob(p, "original") {
		return fault.New(fault.Invalid, "adjudicate.in-already")
	}
	sha := hex.EncodeToString(p.Bytes("original"))
	edit := b.instruction(p.Marks["original"].Actor, syncproto.KindUpload, map[string]string{
		"sha256": sha, "photo": photo.String(), "job": f.Job.String()})
	if dev := p.Marks["original"].Device; dev != uuid.Nil && !p.Marks["original"].Office {
		edit.Cols["device"] = dev[:]
	}
	if _, err := b.journal.Write(ctx, centre, who.author(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("urge photo %s: %w", photo, err)
	}
	return nil
}

// Ship moves a return shipment on: the centre sends it, headquarters or the
// centre takes it in. Base is the rev that the screen showed.
func (b *Bench) Ship(ctx context.Context, who Who, centre, shipment uuid.UUID, base uint64, status, carrier string) error {
	if !who.atCentre() && who.Role != schema.Adjudicator || who.atCentre() && who.Centre != centre {
		return fault.New(syncproto.Forbidden, "adjudicate.only")
	}
	row, ok, err := b.files.StateRow(ctx, centre, "return_shipment", shipment)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	if base != 0 && row.Rev != base {
		return fault.New(fault.Stale, "adjudicate.stale")
	}
	now := b.now().UnixMilli()
	cols := map[string]any{"status": status}
	switch {
	case status == "sent" && row.Text("status") == "wanted":
		cols["sent_at"] = now
		if carrier = strings.TrimSpace(carrier); carrier == "" || len(carrier) > 120 {
			return fault.New(fault.Invalid, "adjudicate.carrier")
		}
		cols["carrier"] = carrier
	case status == "received" && row.Text("status") == "sent":
		cols["received_at"] = now
	default:
		return fault.New(fault.Invalid, "adjudicate.shipment")
	}
	was := make(map[string]any, len(cols))
	for k := range cols {
		was[k] = row.Cols[k]
	}
	edit := ledger.Edit{Table: "return_shipment", Row: shipment, Op: changelog.Update, Base: row.Rev, Cols: cols, Was: was}
	if _, err := b.journal.Write(ctx, centre, who.author(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("move shipment %s: %w", shipment, err)
	}
	return nil
}
