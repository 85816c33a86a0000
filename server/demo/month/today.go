package month

import (
	"time"

	"siteledger/server/demo/scene"
	"siteledger/syncproto/fieldwork"
)

// today draws what is planned, under way and waiting at the moment of the
// sample: the groups on site, one specialist half through his day, two with
// open jobs whose phones are still to be enrolled, and calls that nobody has
// been sent to yet.
func (b *builder) today() {
	for g := range b.groups {
		b.groupToday(g)
	}
	for n := range 4 {
		b.specialistToday(b.slot(0, n))
	}
	story := &Phone{Person: b.m.Story}
	b.openJobs(story, []trouble{
		{asked: "衣柜门和旁边颜色不一样,要求上门看", fault: "door"}, {asked: "水槽下面漏水"}, {asked: "抽屉推拉不顺"},
	})
	b.openJobs(b.repair[1], []trouble{
		{asked: "橱柜有一扇门板颜色不对,怀疑发错货", fault: "door"}, {asked: "台面接缝发黑"}, {asked: "净水器换滤芯"},
	})
	for day := 1; day <= 2; day++ {
		b.planned(story, b.slot(day, 0))
		b.planned(b.repair[1], b.slot(day, 1))
		b.planned(b.repair[0], b.slot(day, 2))
	}
	for n := range 3 {
		at := b.now.Add(-time.Duration(25+50*n) * time.Minute)
		b.take("aftersale", b.onFile(), pick(b.rng, products[:7]).as(b), troubles[n*3], at)
	}
}

// as makes an item of the files out of a product.
func (p product) as(b *builder) item { return item{product: p, serial: "—"} }

// onFile is a customer whose goods are installed.
func (b *builder) onFile() *customer {
	for {
		if c := b.customers[b.rng.IntN(files)]; !c.contract.installed.IsZero() {
			return c
		}
	}
}

func (b *builder) groupToday(g int) {
	lead, helper := b.groups[g][0], b.groups[g][1]
	c := b.unfinished(0)
	it := c.contract.items[0]
	eve := b.midnight(0)
	j := b.take("install", c, it, trouble{asked: "安装 " + it.model + " 全套,按图纸施工"}, eve.Add(-b.between(8*time.Hour, 12*time.Hour)))
	start := eve.Add(9 * time.Hour)
	b.dispatch(j, eve.Add(-5*time.Hour-30*time.Minute), start, start.Add(8*time.Hour), lead, helper)
	if b.now.Before(start.Add(time.Hour)) {
		return
	}
	v := b.begin(j, lead, start)
	room := b.scene()
	b.album(v, shot{role: "entrance", scene: room, view: scene.Entrance}, shot{role: "before", scene: room, view: scene.Before})
	v.prompt = true
	if b.now.Before(start.Add(9 * time.Hour)) {
		b.visits = append(b.visits, v) // under way: no end yet
		return
	}
	v.leave = start.Add(6 * time.Hour)
	b.work(v, "按图纸安装第 1 天", "新装", "柜体、门板、台面安装调平,五金调试")
	b.album(v, shot{role: "after", scene: room, bedroom: it.category == "wardrobe", view: scene.After})
	b.help(v, helper)
	v.last = true
	b.end(v, "solved", b.signing(fieldwork.Signed))
}

func (b *builder) specialistToday(start time.Time) {
	ph := b.repair[0]
	if start.Add(2 * time.Hour).Before(b.now) {
		b.repairVisit(ph, start)
		b.visits[len(b.visits)-1].prompt = true
		return
	}
	b.planned(ph, start)
}

// planned takes a job in and dispatches it, and no more.
func (b *builder) planned(ph *Phone, start time.Time) *job {
	c := b.onFile()
	intake := minTime(b.midnight(0).Add(-b.between(7*time.Hour, 14*time.Hour)), b.now.Add(-3*time.Hour))
	j := b.take("aftersale", c, pick(b.rng, c.contract.items), pick(b.rng, troubles), intake)
	b.dispatch(j, intake.Add(20*time.Minute), start, start.Add(90*time.Minute), ph)
	return j
}

// openJobs gives somebody jobs for the rest of today, whatever the hour is.
func (b *builder) openJobs(ph *Phone, asked []trouble) {
	midnight := b.midnight(0)
	first := maxTime(midnight.Add(8*time.Hour+30*time.Minute), b.now.Truncate(30*time.Minute))
	apart := min(105*time.Minute, midnight.Add(23*time.Hour+30*time.Minute).Sub(first)/time.Duration(len(asked)))
	for n, t := range asked {
		c := b.onFile()
		for t.fault == "door" && c.contract.warranty(b.now) != "out" { // so that there is something to pay
			c = b.onFile()
		}
		it := pick(b.rng, c.contract.items)
		if t.fault == "door" {
			p := products[n] // a kitchen, so that a door panel can be faulty
			if len(c.contract.items) > 0 {
				it = item{id: it.id, serial: it.serial, product: p}
			}
		}
		intake := minTime(midnight.Add(-b.between(7*time.Hour, 14*time.Hour)), b.now.Add(-3*time.Hour))
		j := b.take("aftersale", c, it, t, intake)
		start := first.Add(apart * time.Duration(n)).Truncate(5 * time.Minute)
		b.dispatch(j, intake.Add(25*time.Minute), start, start.Add(min(90*time.Minute, apart)), ph)
	}
}

// trouble draws what goes wrong in an ordinary month: appointments moved by
// two people, numbers corrected twice, a job cancelled or handed over while
// its installer had no network, phones with wrong clocks, one that is silent.
func (b *builder) trouble() {
	at := b.midnight(-2).Add(7*time.Hour + 40*time.Minute)
	b.step(Step{At: at, Twin: &Twin{Phone: b.groups[2][1], Epoch: b.id(at), Edits: noEdits(insert("day_summary", b.id(at), map[string]any{
		"day": at.AddDate(0, 0, -1).Format(time.DateOnly), "text": "换了新手机,从备份恢复后补记的小结", "plan": "按派工执行",
	}))}})
	b.groups[0][1].Offset = 24*time.Hour + 3*time.Minute
	var old, recent []*visit
	for _, v := range b.visits {
		if v.phone != b.repair[0] || v.start.Hour() < 14 || !v.last || len(v.job.defects) > 0 {
			continue
		}
		switch {
		case v.start.Before(b.midnight(-8)) && v.start.After(b.midnight(-24)):
			old = append(old, v)
		case v.start.After(b.midnight(-4)) && v.start.Before(b.midnight(0)):
			recent = append(recent, v)
		}
	}
	for i, v := range old {
		switch i {
		case 0, 4:
			b.movedTwice(v, "old-slot-"+v.job.no)
		case 2, 6, 8:
			b.correctedTwice(v)
		}
	}
	troubles := []func(*visit){
		func(v *visit) { b.movedTwice(v, "") }, b.correctedTwice, b.cancelled, func(v *visit) { b.movedTwice(v, "") }, b.handedOver, b.correctedTwice,
	}
	for i, v := range recent {
		if i < len(troubles) {
			troubles[i](v)
		}
	}
	for n := range 2 {
		b.planned(b.spare, b.slot(-2, n)) // and nothing was heard of them since
	}
}

// offline is a moment in the morning of a visit's day when a desk did
// something that the phone, without a network, did not hear of.
func (b *builder) offline(v *visit) (desk time.Time) {
	midnight := time.Date(v.start.Year(), v.start.Month(), v.start.Day(), 0, 0, 0, 0, v.start.Location())
	return midnight.Add(10*time.Hour + 12*time.Minute)
}

// movedTwice has the clerk and the installer move the same appointment. With a
// name the clerk decides the case later.
func (b *builder) movedTwice(v *visit, name string) {
	if name == "" {
		v.job.disputed = true
	}
	desk := b.offline(v)
	from := v.start.Add(30 * time.Minute)
	b.write(b.clerkA, b.m.Centre, desk, update("job", v.job.id,
		map[string]any{"slot_from": ms(from), "slot_to": ms(from.Add(90 * time.Minute))},
		map[string]any{"slot_from": ms(v.start), "slot_to": ms(v.start.Add(90 * time.Minute))}))
	own := v.start.Add(-45 * time.Minute)
	v.stale(Record{At: desk.Add(5 * time.Minute), Edits: noEdits(update("job", v.job.id,
		map[string]any{"slot_from": ms(own), "agreed_with": "顾客本人(电话)"},
		map[string]any{"slot_from": ms(v.start), "agreed_with": v.job.customer.name})), Name: name})
}

// correctedTwice has the clerk and the installer correct the same number.
func (b *builder) correctedTwice(v *visit) {
	desk := b.offline(v)
	old := v.job.customer.phone
	b.write(b.clerkA, b.m.Centre, desk, update("job_contact", v.job.contact, map[string]any{"phone": old[:10] + "7"}, map[string]any{"phone": old}))
	v.stale(Record{At: desk.Add(4 * time.Minute), Edits: noEdits(update("job_contact", v.job.contact,
		map[string]any{"phone": old[:9] + "80"}, map[string]any{"phone": old}))})
}

// cancelled has the supervisor cancel a job that the installer then does,
// without a network: his work is kept and waits for a decision.
func (b *builder) cancelled(v *visit) {
	desk := b.offline(v)
	b.write(b.supervisor, b.m.Centre, desk, update("job", v.job.id,
		map[string]any{"status": "cancelled", "cancel_reason": "顾客来电说改由物业处理"}, map[string]any{"status": "dispatched", "cancel_reason": nil}))
	v.job.astray = true
}

// handedOver has the job go to somebody else while its first installer was
// offline and did it.
func (b *builder) handedOver(v *visit) {
	desk := b.offline(v)
	b.write(b.clerkA, b.m.Centre, desk,
		update("assignment", v.job.places[0], map[string]any{"active": false, "reason": "联系不上"}, map[string]any{"active": true, "reason": nil}),
		insert("assignment", b.id(desk), map[string]any{"job": raw(v.job.id), "person": raw(b.m.Story.ID), "lead": true, "active": true}))
	v.job.astray = true
}
