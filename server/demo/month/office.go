package month

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/schema"
)

// samples draws what the office does about the work of others: inspections and
// complaints.
func (b *builder) samples() {
	var installs, repairs []*job
	for _, j := range b.jobs {
		switch {
		case j.done.IsZero() || j.done.After(b.midnight(-1)) || j.astray:
		case j.kind == "install":
			installs = append(installs, j)
		default:
			repairs = append(repairs, j)
		}
	}
	draw := func(kind string, n int, by *Person) {
		for i := range n {
			j := installs[(i*7+len(kind))%len(installs)]
			at := b.workTime(j.done.Add(b.between(20*time.Hour, 6*24*time.Hour)))
			if at.After(b.now) {
				at = b.now.Add(-time.Hour)
			}
			b.write(by, b.m.Centre, at, insert("inspection", b.id(at), map[string]any{
				"job": raw(j.id), "kind": kind, "done_at": ms(at), "score": int64(84 + b.rng.IntN(16)), "inspector": raw(by.ID),
				"note": pick(b.rng, []string{"缝隙均匀,五金顺滑", "台面打胶平整", "现场清理到位", "踢脚线接口略有缝隙,已要求补胶"}),
			}))
		}
	}
	draw("superior30", 14, b.supervisor)
	draw("centre30", 14, b.inspector)
	draw("joint", 3, b.supervisor)
	for i, matter := range complaints {
		b.complaint(repairs[(i*19+5)%len(repairs)], matter, i)
	}
}

// complaint takes a complaint through its states, as far as the month goes.
func (b *builder) complaint(j *job, matter string, n int) {
	at := b.workTime(j.done.Add(b.between(2*time.Hour, 30*time.Hour)))
	if at.After(b.now) {
		at = b.now.Add(-2 * time.Hour)
	}
	id := b.id(at)
	layer := "clerk"
	switch n {
	case 3, 6:
		layer = "superior"
	case 8:
		layer = "general"
	}
	b.write(b.clerkB, b.m.Centre, at, insert("complaint", id, map[string]any{
		"job": raw(j.id), "customer": raw(j.customer.id), "matter": matter, "received_at": ms(at), "layer": layer, "status": "received",
	}))
	was := "received"
	for _, to := range []string{"verified", "plan", "told", "satisfied", "closed"} {
		if at = b.workTime(at.Add(b.between(2*time.Hour, 22*time.Hour))); at.After(b.now) || n == 7 && to == "told" {
			return
		}
		cols, old := map[string]any{"status": to}, map[string]any{"status": was}
		if to == "told" {
			cols["result"], old["result"] = "已向顾客说明并约定处理时间", nil
		}
		b.write(b.clerkB, b.m.Centre, at, update("complaint", id, cols, old))
		was = to
	}
}

// second draws another centre with a few jobs of its own, which nobody of the
// first one may see.
func (b *builder) second() {
	if b.link != nil {
		return // there are others enough
	}
	centre := b.m.Second
	b.person(centre, "冯主管", "supervisor2", schema.Supervisor, "")
	clerk := b.person(centre, "许洁", "clerk3", schema.Clerk, "")
	worker := b.person(centre, "邓海", "", schema.Installer, "售后")
	at := b.midnight(-20).Add(9 * time.Hour)
	edits := []ledger.Edit{}
	b.step(Step{At: at.Add(-time.Minute), Office: &Office{Centre: centre, By: ledger.Author{Role: schema.Server}, Edits: []ledger.Edit{insert("centre", centre, map[string]any{
		"name": "云岭服务中心", "name_en": "Yunling service centre", "phone": "0666-500-0066", "hours": "8:40–18:00",
	})}}})
	for i := range 8 {
		when := at.AddDate(0, 0, i*2)
		customer, j := b.id(when), b.id(when)
		name := pick(b.rng, surnames) + pick(b.rng, givenNames)
		phone := fmt.Sprintf("1370000%04d", 7000+i*31)
		t := troubles[i]
		edits = append(edits,
			insert("customer", customer, map[string]any{"name": name, "phone": phone, "address": fmt.Sprintf("云岭市山前路 %d 号", 10+i)}),
			insert("job", j, map[string]any{
				"job_no": b.number("aftersale", when), "kind": "aftersale", "channel": "phone", "intake_at": ms(when), "asked_work": t.asked,
				"warranty": "out", "customer": raw(customer), "status": "new",
			}),
			insert("job_contact", b.id(when), map[string]any{"job": raw(j), "name": name, "phone": phone, "address": fmt.Sprintf("云岭市山前路 %d 号", 10+i)}))
		if i%2 == 0 {
			edits = append(edits, update("job", j, map[string]any{"status": "dispatched"}, map[string]any{"status": "new"}), b.place(j, worker.ID, when))
		}
	}
	b.step(Step{At: at, Office: &Office{Centre: centre, By: ledger.Author{Person: clerk.ID, Role: schema.Clerk}, Edits: edits}})
}

func (b *builder) place(job, person uuid.UUID, at time.Time) ledger.Edit {
	return insert("assignment", b.id(at), map[string]any{"job": raw(job), "person": raw(person), "lead": true, "active": true})
}
