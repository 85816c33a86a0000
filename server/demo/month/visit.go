package month

import (
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// visit is one visit as its lead's phone recorded it.
type visit struct {
	id      uuid.UUID
	job     *job
	phone   *Phone
	start   time.Time // of the slot
	leave   time.Time
	rows    fieldwork.VisitRows
	records []Record
	count   int // rows that hang from the visit
	photos  int
	last    bool // the job's last visit
	prompt  bool // the phone sends at once
	pushed  time.Time
}

// numberOf stands for a receipt number until the phone's range is known.
type numberOf struct {
	phone *Phone
	n     int64
}

// record adds one transaction to a visit.
func (v *visit) record(at time.Time, edits ...ledger.Edit) *Record {
	for _, e := range edits {
		if e.Cols["visit"] != nil {
			v.count++
		}
	}
	v.records = append(v.records, Record{At: at, Edits: edits})
	return &v.records[len(v.records)-1]
}

func (b *builder) event(v *visit, kind string, at time.Time, detail string) ledger.Edit {
	cols := map[string]any{"visit": raw(v.id), "kind": kind, "at": ms(at.Add(v.phone.Offset))}
	if detail != "" {
		cols["detail"] = detail
	}
	if kind == "standard" {
		cols["standard_version"] = standardVersion
	}
	id := b.id(at)
	v.rows.Events = append(v.rows.Events, rowOf(id, cols))
	return insert("visit_event", id, cols)
}

func (v *visit) status(to string) ledger.Edit {
	from := v.job.status
	v.job.status = to
	return update("job", v.job.id, map[string]any{"status": to}, map[string]any{"status": from})
}

// begin sets out: departure, arrival, the fee standard.
func (b *builder) begin(j *job, ph *Phone, start time.Time) *visit {
	v := &visit{id: b.id(start), job: j, phone: ph, start: start}
	depart := start.Add(-b.between(20*time.Minute, 50*time.Minute))
	cols := map[string]any{"job": raw(j.id), "person": raw(ph.Person.ID), "started_at": ms(depart.Add(ph.Offset))}
	v.rows.Visit = rowOf(v.id, cols)
	v.record(depart, insert("visit", v.id, cols), b.event(v, "depart", depart, "已与顾客通话"), v.status("departed"))
	arrive := start.Add(b.between(-8*time.Minute, 12*time.Minute))
	if b.chance(0.07) {
		notice := maxTime(depart.Add(2*time.Minute), start.Add(-b.between(10*time.Minute, 45*time.Minute)))
		v.record(notice, b.event(v, "delay", notice, "晚到约 20 分钟"))
		arrive = start.Add(b.between(10*time.Minute, 25*time.Minute))
	}
	v.record(arrive, b.arrived(v, arrive, b.event(v, "arrive", arrive, "")), v.status("arrived"))
	v.leave = arrive
	return v
}

// work fills in the service record, field by field as a phone saves it.
func (b *builder) work(v *visit, fault, cause, measure string) {
	at := v.leave.Add(b.between(3*time.Minute, 8*time.Minute))
	id := b.id(at)
	cols := map[string]any{"visit": raw(v.id), "fault": fault}
	v.rows.Record = &schema.Row{ID: id, Cols: map[string]any{"visit": raw(v.id), "fault": fault}}
	v.record(at, insert("service_record", id, cols))
	set := func(col string, value any) {
		at = at.Add(b.between(30*time.Second, 9*time.Minute))
		was := v.rows.Record.Cols[col]
		v.rows.Record.Cols[col] = value
		v.record(at, update("service_record", id, map[string]any{col: value}, map[string]any{col: was}))
	}
	set("cause", cause)
	set("measure", measure)
	set("training_done", true)
	set("restored", true)
	set("cleaned", true)
	if v.job.warranty == "in" {
		set("warranty_card", true)
	}
	v.leave = at
}

// part records a part that was used and the old one that was taken along.
func (b *builder) part(v *visit, name string, keepOld bool) {
	at := v.leave.Add(b.between(time.Minute, 4*time.Minute))
	id := b.id(at)
	cols := map[string]any{"visit": raw(v.id), "name": name, "quantity": int64(1)}
	if keepOld {
		cols["old_part_no"] = "JJ" + v.job.no[2:]
	} else {
		cols["old_part_missing"] = "顾客要求留下旧件"
	}
	v.rows.Parts = append(v.rows.Parts, rowOf(id, cols))
	v.record(at, insert("part_used", id, cols))
	v.leave = at
}

// fee charges by the standard, or by the customer's card where that is lower.
func (b *builder) fee(v *visit, item string, card int64) (amount int64) {
	shown := v.leave.Add(b.between(time.Minute, 2*time.Minute))
	v.record(shown, b.event(v, "standard", shown, "已请顾客过目"))
	at := shown.Add(b.between(time.Minute, 3*time.Minute))
	for _, f := range feeStandard {
		if f.item != item {
			continue
		}
		id := b.id(at)
		cols := map[string]any{
			"visit": raw(v.id), "item": f.item, "name": f.name, "standard_version": standardVersion, "quantity": int64(1),
			"standard_price": f.price, "charged": f.price, "currency": "CNY", "basis": "standard",
		}
		amount = f.price
		if card > 0 && card < f.price {
			cols["card_price"], cols["charged"], cols["basis"] = card, card, "card"
			amount = card
		}
		v.rows.Fees = append(v.rows.Fees, rowOf(id, cols))
		v.record(at, insert("fee_line", id, cols))
	}
	v.leave = at
	return amount
}

// receipt issues a receipt from the phone's own range and, on a later day, the
// clerk takes the money in.
func (b *builder) receipt(v *visit, amount int64, remitted bool) {
	if b.receipts == nil {
		b.receipts = map[*Phone]int64{}
	}
	b.receipts[v.phone]++
	no := numberOf{v.phone, b.receipts[v.phone]}
	at := v.leave.Add(b.between(time.Minute, 3*time.Minute))
	v.record(at, insert("receipt", b.id(at), map[string]any{
		"visit": raw(v.id), "no": no, "amount": amount, "currency": "CNY", "payer": v.job.customer.name,
		"way": pick(b.rng, []string{"qr", "qr", "cash", "transfer"}), "issued_at": ms(at.Add(v.phone.Offset)),
		"invoice": pick(b.rng, []string{"none", "none", "none", "deliver", "post"}),
	}))
	v.leave = at
	if handed := b.workTime(at.AddDate(0, 0, 1+b.rng.IntN(2))); remitted && handed.Before(b.now) {
		b.write(b.clerkB, b.m.Centre, handed, insert("remittance", b.id(handed), map[string]any{
			"person": raw(v.phone.Person.ID), "receipt_no": no, "amount": amount, "currency": "CNY", "handed_at": ms(handed),
		}))
	}
}

// waiver asks the centre for a reduction; the amount stays due (FP-04).
func (b *builder) waiver(v *visit, amount int64, decide string) {
	at := v.leave.Add(time.Minute)
	id := b.id(at)
	v.record(at, insert("waiver", id, map[string]any{
		"visit": raw(v.id), "amount": amount, "currency": "CNY", "reason": "顾客认为使用不到两年,应予优惠", "explained": true, "status": "pending",
	}))
	v.leave = at
	if decide == "" {
		return
	}
	if done := b.workTime(at.Add(b.between(20*time.Hour, 44*time.Hour))); done.Before(b.now) {
		b.write(b.supervisor, b.m.Centre, done, update("waiver", id,
			map[string]any{"status": decide, "decided_by": raw(b.supervisor.ID)}, map[string]any{"status": "pending", "decided_by": nil}))
	}
}

// end closes a visit: self-check, hand-over, rating, signature or a refusal,
// and the closing row last.
func (b *builder) end(v *visit, outcome, signed string) {
	at := v.leave.Add(b.between(2*time.Minute, 6*time.Minute))
	v.record(at, b.event(v, "selfcheck", at, "产品、现场、工具箱"))
	v.rows.Visit.Cols["outcome"] = outcome
	at = at.Add(time.Minute)
	v.record(at, update("visit", v.id, map[string]any{"outcome": outcome}, map[string]any{"outcome": nil}))
	at = at.Add(time.Minute)
	v.record(at, b.event(v, "handover", at, ""))
	if signed == fieldwork.Signed {
		at = at.Add(b.between(20*time.Second, 2*time.Minute))
		id := b.id(at)
		cols := map[string]any{
			"visit": raw(v.id), "quality": int64(5 - min(b.rng.IntN(9)/6, 2)), "attitude": int64(5 - min(b.rng.IntN(12)/9, 1)), "handover": true,
		}
		if c := pick(b.rng, comments); c != "" {
			cols["comment"] = c
		}
		v.rows.Rating = &schema.Row{ID: id, Cols: cols}
		v.record(at, insert("rating", id, cols))
	}
	at = at.Add(b.between(20*time.Second, time.Minute))
	b.sign(v, signed, at)
	at = at.Add(b.between(time.Minute, 4*time.Minute))
	v.record(at, b.event(v, "leave", at, ""))
	closing := insert("visit_close", b.id(at), map[string]any{"visit": raw(v.id), "at": ms(at.Add(v.phone.Offset)), "rows": int64(v.count), "photos": int64(v.photos)})
	v.record(at, v.status("finished"), closing)
	v.leave = at
	b.visits = append(b.visits, v)
}

// sign binds the signature to what was shown (SF-07).
func (b *builder) sign(v *visit, outcome string, at time.Time) {
	content, hash := fieldwork.Summary(v.rows)
	cols := map[string]any{
		"visit": raw(v.id), "signer": "customer", "outcome": outcome, "at": ms(at.Add(v.phone.Offset)),
		"content": content, "content_hash": hash[:],
	}
	var blobs []*Blob
	switch outcome {
	case fieldwork.Signed:
		file := b.signature(v)
		cols["image"], cols["image_size"] = shaOf{file}, sizeOf{file}
		blobs = append(blobs, file)
	case fieldwork.Refused:
		cols["reason"] = "顾客不愿签字"
	case fieldwork.Absent:
		cols["reason"] = "家中只有老人,顾客不在场"
	}
	r := v.record(at, insert("signature", b.id(at), cols))
	r.Blobs = blobs
}

// rowOf is a row for the rules of the trade.
func rowOf(id uuid.UUID, cols map[string]any) schema.Row { return schema.Row{ID: id, Cols: cols} }
