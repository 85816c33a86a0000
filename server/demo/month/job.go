package month

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
)

// job is a job of the centre under way.
type job struct {
	id       uuid.UUID
	no       string
	kind     string
	customer *customer
	item     item
	itemRow  uuid.UUID
	contact  uuid.UUID
	intake   time.Time
	trouble  trouble
	warranty string
	crew     []*Phone // those who were assigned, the lead first
	places   []uuid.UUID
	status   string
	defects  []*defect
	done     time.Time // when the last visit's records were in
	astray   bool      // done against the desk's word; a person decides
	disputed bool      // a conflict is open
}

// number gives the day's next number of a job, as intake does.
func (b *builder) number(kind string, at time.Time) string {
	letters := "SH"
	if kind == "install" {
		letters = "AZ"
	}
	prefix := letters + at.Format("060102") + "-"
	b.numbers[prefix]++
	return fmt.Sprintf("%s%03d", prefix, b.numbers[prefix])
}

// take takes a job in at a clerk's desk, with copies of what its crew needs.
func (b *builder) take(kind string, c *customer, it item, t trouble, at time.Time) *job {
	j := &job{
		id: b.id(at), no: b.number(kind, at), kind: kind, customer: c, item: it, contact: b.id(at), itemRow: b.id(at),
		intake: at, trouble: t, warranty: c.contract.warranty(at), status: "new",
	}
	home := neighbourhoods[c.home]
	k := c.contract
	cols := map[string]any{
		"job_no": j.no, "kind": kind, "channel": pick(b.rng, []string{"phone", "phone", "phone", "store", "online"}), "intake_at": ms(at),
		"asked_work": t.asked, "warranty": j.warranty, "customer": raw(c.id), "contract": raw(k.id), "contract_no": k.no,
		"product": it.model + " · " + it.material, "status": "new",
	}
	contact := map[string]any{"job": raw(j.id), "name": c.name, "phone": c.phone, "address": c.address, "community": home.name}
	if home.gate != "" {
		contact["gate_rule"] = home.gate
	}
	if home.quietTo > 0 {
		contact["quiet_from"], contact["quiet_to"] = home.quietFrom, home.quietTo
	}
	c.pointed(contact)
	product := map[string]any{
		"job": raw(j.id), "contract_no": k.no, "category": it.category, "model": it.model, "material": it.material, "edge_profile": it.profile,
		"edge_band": it.band, "drawing_size": fmt.Sprintf("%d×%d mm", it.width, it.high), "serial": it.serial, "store": k.store,
		"order_time": ms(k.ordered), "delivery_date": ms(k.delivered),
	}
	edits := []ledger.Edit{insert("job", j.id, cols), insert("job_contact", j.contact, contact), insert("job_item", j.itemRow, product)}
	if !k.installed.IsZero() {
		product["installed_at"], product["warranty_until"] = ms(k.installed), ms(k.until)
		edits = append(edits, insert("job_history", b.id(at), map[string]any{
			"job": raw(j.id), "at": ms(k.installed), "summary": "安装完成,顾客验收签字 · Installed and accepted",
		}))
	}
	b.write(b.clerkA, c.centre(b), at, edits...)
	b.jobs = append(b.jobs, j)
	return j
}

// centre is whose customer it is; all on file are the first centre's.
func (c *customer) centre(b *builder) uuid.UUID { return b.m.Centre }

// dispatch agrees a slot and assigns a crew.
func (b *builder) dispatch(j *job, at, from, to time.Time, crew ...*Phone) {
	j.crew = crew
	cols := map[string]any{
		"status": "dispatched", "slot_from": ms(from), "slot_to": ms(to), "agreed_with": j.customer.name,
	}
	was := map[string]any{"status": j.status, "slot_from": nil, "slot_to": nil, "agreed_with": nil}
	if j.status == "new" {
		cols["answered_at"], was["answered_at"] = ms(at), nil
	}
	edits := []ledger.Edit{update("job", j.id, cols, was)}
	if len(j.places) == 0 {
		for i, ph := range crew {
			id := b.id(at)
			j.places = append(j.places, id)
			edits = append(edits, insert("assignment", id, map[string]any{"job": raw(j.id), "person": raw(ph.Person.ID), "lead": i == 0, "active": true}))
		}
	}
	j.status = "dispatched"
	b.write(b.clerkA, b.m.Centre, at, edits...)
}

// settle registers a job's slip once its records are in, has the customer
// called, and closes it, each only as far as the month has come.
func (b *builder) settle(j *job, calls ...call) {
	if j.done.IsZero() || j.done.After(b.now.Add(-3*time.Hour)) {
		return
	}
	registered := b.workTime(j.done.Add(b.between(time.Hour, 20*time.Hour)))
	if registered.After(b.now) {
		return
	}
	b.write(b.clerkB, b.m.Centre, registered, update("job", j.id,
		map[string]any{"status": "registered", "registered_at": ms(registered), "registered_by": raw(b.clerkB.ID)},
		map[string]any{"status": "finished", "registered_at": nil, "registered_by": nil}))
	j.status = "registered"
	last := registered
	for _, c := range calls {
		if at := b.call(j, c, registered); at.After(last) {
			last = at
		} else if at.IsZero() {
			last = b.now.AddDate(1, 0, 0) // not yet called: not yet closed
		}
	}
	for _, d := range j.defects {
		if d.judged.IsZero() {
			return // an open case keeps its job open
		}
		last = maxTime(last, d.judged)
	}
	if j.disputed {
		return
	}
	closed := b.workTime(maxTime(last, j.done.Add(3*24*time.Hour)).Add(b.between(time.Hour, 26*time.Hour)))
	if closed.After(b.now) {
		return
	}
	edits := []ledger.Edit{update("job", j.id, map[string]any{"status": "closed", "closed_at": ms(closed)}, map[string]any{"status": "registered", "closed_at": nil})}
	for _, id := range j.places {
		// The crew's phones let go of the job and of the customer's address.
		edits = append(edits, update("assignment", id, map[string]any{"active": false, "reason": "已关闭"}, map[string]any{"active": true, "reason": nil}))
	}
	b.write(b.clerkB, b.m.Centre, closed, edits...)
	j.status = "closed"
}

// workTime moves a moment into the hours of the desks.
func (b *builder) workTime(at time.Time) time.Time {
	minute := at.Hour()*60 + at.Minute()
	switch {
	case minute < 8*60+40:
		return at.Add(time.Duration(8*60+40-minute)*time.Minute + b.between(0, time.Hour))
	case minute > 18*60:
		return at.Add(time.Duration(24*60+8*60+40-minute)*time.Minute + b.between(0, time.Hour))
	}
	return at
}

// call is a follow-up call that is due (X1, X2).
type call struct {
	kind string
	days int
	by   *Person
}

// call draws one follow-up call. It answers when the customer was reached, or
// zero while nobody was.
func (b *builder) call(j *job, c call, from time.Time) time.Time {
	due := j.done.AddDate(0, 0, c.days)
	id := b.id(from)
	b.write(c.by, b.m.Centre, from, insert("callback", id, map[string]any{"job": raw(j.id), "kind": c.kind, "due": ms(due), "attempts": int64(0)}))
	at := b.workTime(from.Add(b.between(4*time.Hour, time.Duration(c.days*24)*time.Hour)))
	if at.After(b.now) {
		return time.Time{}
	}
	attempts := int64(1)
	if b.chance(0.25) {
		b.write(c.by, b.m.Centre, at, update("callback", id, map[string]any{"attempts": attempts, "result": "无人接听"}, map[string]any{"attempts": int64(0), "result": nil}))
		attempts++
		if at = b.workTime(at.Add(b.between(3*time.Hour, 26*time.Hour))); at.After(b.now) {
			return time.Time{}
		}
	}
	happy := !b.chance(0.04)
	result := "质量、态度满意;收据与实付一致"
	if !happy {
		result = "顾客对进度不满意,已说明并致歉"
	}
	b.write(c.by, b.m.Centre, at, update("callback", id, map[string]any{
		"called_at": ms(at), "attempts": attempts, "satisfied": happy, "filled_personally": true, "result": result, "caller": raw(c.by.ID),
	}, map[string]any{"called_at": nil, "attempts": attempts - 1, "satisfied": nil, "filled_personally": nil, "result": nil, "caller": nil}))
	return at
}
