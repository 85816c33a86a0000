package office

import (
	"context"
	"fmt"
	"slices"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// files finds or makes the customer, the contract and the item.
func (t *intake) files(ctx context.Context) error {
	if err := t.customerFile(ctx); err != nil {
		return err
	}
	if err := t.contractFile(ctx); err != nil {
		return err
	}
	if t.in.NewItem == nil {
		return nil
	}
	if t.contract == uuid.Nil {
		// A product without a contract is known to the job alone.
		t.items = append(t.items, schema.Row{Table: "contract_item", Cols: itemCols(*t.in.NewItem)})
		return nil
	}
	id := t.o.newID()
	cols := itemCols(*t.in.NewItem)
	cols["contract"] = t.contract[:]
	t.file = append(t.file, t.insert("contract_item", id, cols))
	t.items = append(t.items, schema.Row{Table: "contract_item", ID: id, Cols: cols})
	return nil
}

func itemCols(it Item) map[string]any {
	cols := map[string]any{"category": it.Category}
	set(cols, "model", it.Model)
	set(cols, "material", it.Material)
	set(cols, "edge_profile", it.EdgeProfile)
	set(cols, "edge_band", it.EdgeBand)
	set(cols, "drawing_size", it.DrawingSize)
	set(cols, "serial", it.Serial)
	return cols
}

func (t *intake) customerFile(ctx context.Context) error {
	c := t.in.Customer
	if c.Community != uuid.Nil {
		row, ok, err := t.o.reader.StateRow(ctx, t.who.Centre, "community", c.Community)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Invalid, "office.value|customer.community")
		}
		t.community = row
	}
	if c.ID == uuid.Nil {
		t.customer = t.o.newID()
		cols := map[string]any{"name": c.Name, "phone": c.Phone}
		set(cols, "address", c.Address)
		set(cols, "community", c.Community)
		set(cols, "note", c.Note)
		t.file = append(t.file, t.insert("customer", t.customer, cols))
		return nil
	}
	row, ok, err := t.o.reader.StateRow(ctx, t.who.Centre, "customer", c.ID)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	t.customer = c.ID
	if t.community.ID == uuid.Nil && row.UUID("community") != uuid.Nil {
		if t.community, _, err = t.o.reader.StateRow(ctx, t.who.Centre, "community", row.UUID("community")); err != nil {
			return err
		}
	}
	if e, changed := t.o.correction(row, c.Base, map[string]string{"name": c.Name, "phone": c.Phone, "address": c.Address, "note": c.Note}); changed {
		t.file = append(t.file, e)
	}
	return nil
}

// correction is the update of the text columns that differ from what stands.
func (o *Office) correction(row schema.Row, base uint64, want map[string]string) (ledger.Edit, bool) {
	cols, was := map[string]any{}, map[string]any{}
	for column, v := range want {
		if row.Text(column) == v {
			continue
		}
		cols[column], was[column] = v, row.Cols[column]
		if v == "" {
			cols[column] = nil
		}
	}
	return ledger.Edit{Table: row.Table, Row: row.ID, Op: changelog.Update, Base: base, Cols: cols, Was: was}, len(cols) > 0
}

func (t *intake) contractFile(ctx context.Context) error {
	c := t.in.Contract
	switch {
	case c.ID != uuid.Nil:
		row, ok, err := t.o.reader.StateRow(ctx, t.who.Centre, "contract", c.ID)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(syncproto.NotFound, "error.not-found")
		}
		if row.UUID("customer") != t.customer {
			return fault.New(fault.Invalid, "office.contract-other")
		}
		t.contract, t.contractRow = c.ID, row
		return t.contractItems(ctx)
	case c.No != "":
		known, err := t.o.reader.KnownContracts(ctx, t.who.Centre)
		if err != nil {
			return err
		}
		if known[c.No] {
			return fault.New(fault.Invalid, "office.contract-known|"+c.No)
		}
		t.contract = t.o.newID()
		cols := contractCols(c)
		cols["customer"] = t.customer[:]
		t.contractRow = schema.Row{Table: "contract", ID: t.contract, Cols: cols}
		t.file = append(t.file, t.insert("contract", t.contract, cols))
	}
	return nil
}

func contractCols(c Contract) map[string]any {
	cols := map[string]any{"contract_no": c.No}
	set(cols, "store", c.Store)
	set(cols, "designer", c.Designer)
	set(cols, "order_time", c.OrderTime)
	set(cols, "delivery_date", c.DeliveryDate)
	set(cols, "installed_at", c.InstalledAt)
	set(cols, "warranty_until", c.WarrantyUntil)
	return cols
}

func (t *intake) contractItems(ctx context.Context) error {
	items, err := t.o.reader.StateRows(ctx, t.who.Centre, "contract_item", "contract", t.contract)
	if err != nil {
		return err
	}
	for _, it := range items {
		if len(t.in.Items) == 0 && t.in.NewItem == nil || slices.Contains(t.in.Items, it.ID) {
			t.items = append(t.items, it)
		}
	}
	if len(t.items) < len(t.in.Items) {
		return fault.New(fault.Invalid, "office.item-other")
	}
	return nil
}

// copies puts under the job what its crew needs of the files: a phone holds no
// file of customers (PA-01).
func (t *intake) copies(ctx context.Context) error {
	c := t.in.Customer
	contact := map[string]any{"job": t.job[:], "name": c.Name}
	set(contact, "phone", c.Phone)
	set(contact, "address", c.Address)
	set(contact, "note", c.Note)
	set(contact, "community", t.community.Text("name"))
	set(contact, "gate_rule", t.community.Text("gate_rule"))
	set(contact, "quiet_from", t.community.Int("quiet_from"))
	set(contact, "quiet_to", t.community.Int("quiet_to"))
	t.copied = append(t.copied, t.insert("job_contact", t.o.newID(), contact))
	for _, it := range t.items {
		cols := map[string]any{"job": t.job[:]}
		for _, column := range []string{"category", "model", "material", "edge_profile", "edge_band", "drawing_size", "serial"} {
			set(cols, column, it.Text(column))
		}
		set(cols, "contract_no", t.contractRow.Text("contract_no"))
		set(cols, "store", t.contractRow.Text("store"))
		for _, column := range []string{"order_time", "delivery_date", "installed_at", "warranty_until"} {
			set(cols, column, t.contractRow.Int(column))
		}
		t.copied = append(t.copied, t.insert("job_item", t.o.newID(), cols))
	}
	if c.ID == uuid.Nil {
		return nil
	}
	past, err := t.o.reader.PastJobs(ctx, t.who.Centre, c.ID, historyCopied)
	if err != nil {
		return fmt.Errorf("earlier jobs: %w", err)
	}
	for _, h := range past {
		cols := map[string]any{"job": t.job[:], "at": h.At, "summary": h.Summary}
		set(cols, "job_no", h.JobNo)
		t.copied = append(t.copied, t.insert("job_history", t.o.newID(), cols))
	}
	return nil
}

// crew assigns the people named; the first leads.
func (t *intake) crew(ctx context.Context) error {
	for i, p := range t.in.Crew {
		if err := t.o.dispatchable(ctx, t.who.Centre, p); err != nil {
			return err
		}
		if slices.Contains(t.in.Crew[:i], p) {
			continue
		}
		t.copied = append(t.copied, assign(t.o.newID(), t.job, p, i == 0, t.in.Reason))
	}
	return nil
}

func assign(id, job, person uuid.UUID, lead bool, reason string) ledger.Edit {
	cols := map[string]any{"job": job[:], "person": person[:], "lead": lead, "active": true}
	set(cols, "reason", reason)
	return ledger.Edit{Table: "assignment", Row: id, Op: changelog.Insert, Cols: cols}
}

// dispatchable refuses anybody but an installer of the centre who still works
// here.
func (o *Office) dispatchable(ctx context.Context, centre, person uuid.UUID) error {
	row, ok, err := o.reader.StateRow(ctx, centre, "person", person)
	if err != nil {
		return err
	}
	if !ok || !row.Bool("active") || schema.Role(row.Text("role")) != schema.Installer {
		return fault.New(fault.Invalid, "office.crew-who")
	}
	return nil
}
