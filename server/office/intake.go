package office

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// Customer is a customer's file as typed. With ID an existing file is meant,
// and what differs from it is corrected in the same transaction; Base is the
// rev that the form showed.
type Customer struct {
	ID        uuid.UUID
	Base      uint64
	Name      string
	Phone     string
	Address   string
	Community uuid.UUID
	Note      string
}

// Contract is a contract as typed; with ID an existing one is meant and the
// rest is not read. Without ID and number there is none.
type Contract struct {
	ID            uuid.UUID
	No            string
	Store         string
	Designer      string
	OrderTime     int64
	DeliveryDate  int64
	InstalledAt   int64
	WarrantyUntil int64
}

// Item is one product of a contract.
type Item struct {
	Category    string
	Model       string
	Material    string
	EdgeProfile string
	EdgeBand    string
	DrawingSize string
	Serial      string
}

// Intake is what a clerk takes down when a customer calls (JL-01): the after-
// sales service record, the slot agreed (JL-02) and, where it is known
// already, the crew.
type Intake struct {
	Customer Customer
	Contract Contract
	Items    []uuid.UUID // products of the contract that the call is about; none means all
	NewItem  *Item

	Kind      string
	Channel   string
	AskedWork string
	Warranty  string // "" takes what the contract says, see [Warranty]

	SlotFrom   int64 // Unix milliseconds; 0: no slot agreed yet
	SlotTo     int64
	AgreedWith string
	Answered   bool // the customer has been answered

	Crew   []uuid.UUID // the first is the lead; empty: dispatched later
	Reason string      // why this crew, where fair shares would say otherwise (JL-14)
}

// Taken is the job that an intake made.
type Taken struct {
	Job      uuid.UUID
	JobNo    string
	Customer uuid.UUID
	Rev      uint64
}

// historyCopied bounds the earlier jobs that travel to the phone.
const historyCopied = 8

// quietest and longest appointment in milliseconds: a slot over a whole day is
// a typing mistake.
const longestSlot = 12 * 3600_000

// Intake makes a job: customer, contract and item where they are new, the job
// with its number, and under it copies of what a phone needs of the files
// (contact, items, earlier jobs). With a crew it is dispatched at once. One
// transaction; on an error nothing is written.
func (o *Office) Intake(ctx context.Context, who Who, in Intake) (Taken, error) {
	if !who.atCentre() {
		return Taken{}, fault.New(syncproto.Forbidden, "error.forbidden")
	}
	if err := o.checkIntake(in); err != nil {
		return Taken{}, err
	}
	t := intake{o: o, who: who, in: in, now: o.now().UnixMilli(), job: o.newID()}
	if err := t.files(ctx); err != nil {
		return Taken{}, err
	}
	if err := t.copies(ctx); err != nil {
		return Taken{}, err
	}
	o.numbering.Lock()
	defer o.numbering.Unlock()
	no, err := o.nextJobNo(ctx, who.Centre, in.Kind)
	if err != nil {
		return Taken{}, err
	}
	t.head(no)
	if err := t.crew(ctx); err != nil {
		return Taken{}, err
	}
	w, err := o.journal.Write(ctx, who.Centre, who.author(), t.edits())
	if err != nil {
		return Taken{}, fmt.Errorf("take in a job: %w", err)
	}
	return Taken{Job: t.job, JobNo: no, Customer: t.customer, Rev: w.Rev}, nil
}

func (o *Office) checkIntake(in Intake) error {
	var p problems
	o.text(&p, "customer", "name", in.Customer.Name)
	o.text(&p, "customer", "phone", in.Customer.Phone)
	p.when(in.Customer.Phone != "" && !phoneLike(in.Customer.Phone), "office.phone")
	o.text(&p, "customer", "address", in.Customer.Address)
	o.text(&p, "customer", "note", in.Customer.Note)
	if in.Contract.ID == uuid.Nil && in.Contract.No != "" {
		o.checkContract(&p, in.Contract)
	}
	if in.NewItem != nil {
		o.checkItem(&p, *in.NewItem)
	}
	o.text(&p, "job", "kind", in.Kind)
	o.text(&p, "job", "channel", in.Channel)
	o.text(&p, "job", "asked_work", in.AskedWork)
	if in.Warranty != "" {
		o.text(&p, "job", "warranty", in.Warranty)
	}
	o.text(&p, "job", "agreed_with", in.AgreedWith)
	o.text(&p, "assignment", "reason", in.Reason)
	checkSlot(&p, in.SlotFrom, in.SlotTo)
	p.when(len(in.Crew) > 8, "office.crew-many")
	return p.fault()
}

func (o *Office) checkContract(p *problems, c Contract) {
	o.text(p, "contract", "contract_no", c.No)
	o.text(p, "contract", "store", c.Store)
	o.text(p, "contract", "designer", c.Designer)
	p.when(c.WarrantyUntil != 0 && c.InstalledAt != 0 && c.WarrantyUntil < c.InstalledAt, "office.warranty-order")
}

func (o *Office) checkItem(p *problems, it Item) {
	o.text(p, "contract_item", "category", it.Category)
	for column, v := range map[string]string{"model": it.Model, "material": it.Material, "edge_profile": it.EdgeProfile,
		"edge_band": it.EdgeBand, "drawing_size": it.DrawingSize, "serial": it.Serial} {
		o.text(p, "contract_item", column, v)
	}
}

func checkSlot(p *problems, from, to int64) {
	p.when(from == 0 && to != 0 || from != 0 && to == 0, "office.slot-half")
	p.when(from != 0 && to != 0 && to <= from, "office.slot-order")
	p.when(to-from > longestSlot, "office.slot-long")
}

// numberPrefix begins a job number: AZ for an install, SH for the rest, then
// the day.
func (o *Office) numberPrefix(kind string) string {
	letters := "SH"
	if kind == "install" {
		letters = "AZ"
	}
	return letters + o.now().In(o.zone).Format("060102") + "-"
}

// nextJobNo gives the number behind the last one of the day. The caller holds
// the numbering lock until the job is written.
func (o *Office) nextJobNo(ctx context.Context, centre uuid.UUID, kind string) (string, error) {
	prefix := o.numberPrefix(kind)
	last, err := o.reader.LastJobNo(ctx, centre, prefix)
	if err != nil {
		return "", fmt.Errorf("last job number: %w", err)
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(last, prefix)) // "" and odd numbers begin at 1
	return fmt.Sprintf("%s%03d", prefix, n+1), nil
}

// intake is one intake under construction.
type intake struct {
	o   *Office
	who Who
	in  Intake
	now int64

	job, customer, contract uuid.UUID
	contractRow             schema.Row // of an existing or a new contract
	items                   []schema.Row
	community               schema.Row

	file   []ledger.Edit // office rows
	jobs   []ledger.Edit // the job itself
	copied []ledger.Edit // rows under it
	last   []ledger.Edit // its step to dispatched, once there is a crew
}

func (t *intake) insert(table string, id uuid.UUID, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: id, Op: changelog.Insert, Cols: cols}
}

// edits puts the job before what hangs from it.
func (t *intake) edits() []ledger.Edit {
	return slices.Concat(t.file, t.jobs, t.copied, t.last)
}

// head is the job's own row, always as taken in; a crew moves it on.
func (t *intake) head(no string) {
	in := t.in
	cols := map[string]any{"job_no": no, "kind": in.Kind, "intake_at": t.now, "asked_work": in.AskedWork, "status": "new", "customer": t.customer[:]}
	warranty := in.Warranty
	if warranty == "" {
		warranty = Warranty(t.contractRow.Int("warranty_until"), t.now)
	}
	cols["warranty"] = warranty
	set(cols, "channel", in.Channel)
	set(cols, "slot_from", in.SlotFrom)
	set(cols, "slot_to", in.SlotTo)
	set(cols, "agreed_with", in.AgreedWith)
	set(cols, "contract", t.contract)
	set(cols, "contract_no", t.contractRow.Text("contract_no"))
	set(cols, "product", t.product())
	if in.Answered || in.SlotFrom != 0 {
		cols["answered_at"] = t.now
	}
	t.jobs = append(t.jobs, t.insert("job", t.job, cols))
	if len(in.Crew) > 0 {
		t.last = append(t.last, ledger.Edit{Table: "job", Row: t.job, Op: changelog.Update, Cols: map[string]any{"status": "dispatched"}, Was: map[string]any{"status": "new"}})
	}
}

// product is the one line by which people call the job's products.
func (t *intake) product() string {
	category := t.o.schema.Table("contract_item").Column("category")
	var names []string
	for _, it := range t.items {
		s := category.ValueLabel(it.Text("category"), "zh-CN")
		if m := it.Text("model"); m != "" {
			s += " " + m
		}
		names = append(names, s)
	}
	s := strings.Join(names, "、")
	for len(s) > 200 {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}
