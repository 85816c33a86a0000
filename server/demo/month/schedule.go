package month

import (
	"slices"
	"time"

	"siteledger/server/demo/scene"
	"siteledger/syncproto/fieldwork"
)

// workdays are the 26 days before today on which the centre works: all of the
// last thirty but one in the week.
func (b *builder) workdays() []int {
	var days []int
	for d := -30; d < 0; d++ {
		if wd := b.midnight(d).Weekday(); wd != time.Tuesday || len(days) > 22 && d > -4 {
			days = append(days, d)
		}
	}
	return days[max(0, len(days)-26):]
}

// installs draws three groups' month: fifteen contracts each, most of two
// days, one visit a day.
func (b *builder) installs() {
	days := b.workdays()
	for g := range b.groups {
		for n, next := 0, 0; next < len(days); n++ {
			length := 2
			if n%4 == 3 {
				length = 1
			}
			length = min(length, len(days)-next)
			b.install(g, days[next:next+length])
			next += length
		}
	}
}

// install draws one contract's installation by a group.
func (b *builder) install(group int, days []int) {
	lead, helper := b.groups[group][0], b.groups[group][1]
	c := b.unfinished(days[0])
	first := b.midnight(days[0])
	it := c.contract.items[0]
	j := b.take("install", c, it, trouble{asked: "安装 " + it.model + " 全套,按图纸施工"}, first.Add(-b.between(8*time.Hour, 14*time.Hour)))
	for n, day := range days {
		start := b.midnight(day).Add(9 * time.Hour)
		at := first.Add(-b.between(5*time.Hour+20*time.Minute, 6*time.Hour))
		if n > 0 {
			at = b.midnight(day).Add(-b.between(5*time.Hour+20*time.Minute, 5*time.Hour+40*time.Minute))
		}
		b.dispatch(j, maxTime(at, j.intake.Add(10*time.Minute)), start, start.Add(8*time.Hour), lead, helper)
		v := b.begin(j, lead, start)
		room := b.scene()
		b.album(v, shot{role: "before", scene: room, view: scene.Before})
		v.leave = v.leave.Add(b.between(4*time.Hour, 6*time.Hour))
		b.work(v, "按图纸安装第 "+string(rune('1'+n))+" 天", "新装", "柜体、门板、台面安装调平,五金调试")
		b.album(v, shot{role: "after", scene: room, bedroom: it.category == "wardrobe", view: scene.After})
		b.help(v, helper)
		v.prompt = n < len(days)-1
		v.last = n == len(days)-1
		outcome, signed := "unsolved", fieldwork.Signed
		if v.last {
			outcome = "solved"
		}
		b.end(v, outcome, b.signing(signed))
	}
	done := b.midnight(days[len(days)-1]).Add(18 * time.Hour)
	if done.Before(b.now) {
		b.write(b.clerkB, b.m.Centre, done, update("contract", c.contract.id,
			map[string]any{"installed_at": ms(done), "warranty_until": ms(done.AddDate(1, 0, 0))}, map[string]any{"installed_at": nil, "warranty_until": nil}))
	}
}

// unfinished is a customer whose contract is still to be installed.
func (b *builder) unfinished(day int) *customer {
	n := len(b.customers)
	c := b.customer(n)
	k := c.contract
	k.ordered, k.delivered = b.midnight(day-40), b.midnight(day-3)
	k.installed, k.until = time.Time{}, time.Time{}
	k.no = "HT" + k.ordered.Format("0601") + "-" + k.no[len(k.no)-4:]
	at := b.midnight(day - 3).Add(9 * time.Hour)
	b.write(b.clerkA, b.m.Centre, at, b.customerRows(c, at)...)
	return c
}

// help has the second of a group add a note.
func (b *builder) help(v *visit, helper *Phone) {
	at := v.leave.Add(-b.between(10*time.Minute, time.Hour))
	b.notes = append(b.notes, note{helper, Record{At: at, Edits: noteOn(b, v.job, helper.Person, at, pick(b.rng, []string{
		"台面后沿打胶已完成,24 小时内勿受力", "左侧墙面不平,已加调节片", "顾客要求加装一个毛巾杆,已报设计", "水电位与图纸一致"}))}})
}

// signing is how a customer's signature turns out: seven in a hundred do not
// sign, which is an ordinary outcome.
func (b *builder) signing(usual string) string {
	switch p := b.rng.Float64(); {
	case p < 0.042:
		return fieldwork.Refused
	case p < 0.070:
		return fieldwork.Absent
	}
	return usual
}

// scene numbers a room, so that all its pictures show the same.
func (b *builder) scene() uint64 {
	b.scenes++
	return b.scenes
}

// repairs draws the after-sales month: two repair specialists with four visits
// a day, a third person on busy days; 208 in all.
func (b *builder) repairs() {
	days := b.workdays()
	type place struct {
		day, slot int
		phone     *Phone
	}
	var places []place
	for _, day := range days {
		for slot := range 4 {
			places = append(places, place{day, slot, b.repair[0]}, place{day, slot, b.repair[1]})
		}
		if wd := b.midnight(day).Weekday(); (wd == time.Saturday || wd == time.Sunday) && day < -3 {
			places = append(places, place{day, 0, b.spare}, place{day, 2, b.spare})
		}
	}
	// Quiet days give way to busy ones, so that the month comes to 208.
	for len(places) > 208 {
		i := b.rng.IntN(len(places))
		if p := places[i]; p.slot == 3 && p.day < -photoDays {
			places = slices.Delete(places, i, i+1)
		}
	}
	for _, p := range places {
		b.repairVisit(p.phone, b.slot(p.day, p.slot))
	}
}

// slot is a usual time of the day, outside most quiet hours.
func (b *builder) slot(day, n int) time.Time {
	minutes := []int{9 * 60, 10*60 + 30, 14 * 60, 15*60 + 45}[n]
	return b.midnight(day).Add(time.Duration(minutes) * time.Minute)
}

// repairVisit draws one after-sales job from the call to the closing.
func (b *builder) repairVisit(ph *Phone, start time.Time) {
	c := b.customers[b.rng.IntN(files)]
	for c.contract.installed.IsZero() {
		c = b.customers[b.rng.IntN(files)]
	}
	tr := pick(b.rng, troubles)
	midnight := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location())
	j := b.take(pick(b.rng, []string{"aftersale", "aftersale", "repair", "maintain"}), c, pick(b.rng, c.contract.items), tr,
		midnight.Add(-b.between(7*time.Hour, 15*time.Hour)))
	answered := j.intake.Add(b.between(5*time.Minute, 90*time.Minute))
	b.dispatch(j, minTime(answered, midnight.Add(-5*time.Hour-25*time.Minute)), start, start.Add(90*time.Minute), ph)
	v := b.begin(j, ph, start)
	v.last = true
	room := b.scene()
	b.album(v, shot{role: "nameplate", scene: room, view: scene.Nameplate}, shot{role: "before", scene: room, view: scene.Close})
	b.work(v, tr.fault, tr.cause, tr.measure)
	if tr.part != "" && b.parts < 40 {
		b.parts++
		b.part(v, tr.part, b.parts%8 != 0)
	}
	if j.warranty == "out" && b.paid < 62 && b.chance(0.56) {
		b.paid++
		card := int64(0)
		if b.paid%12 == 5 {
			card = 100 * int64(10+b.rng.IntN(20))
		}
		amount := b.fee(v, tr.fee, card)
		b.receipt(v, amount, b.paid != 40)
		switch b.paid {
		case 20:
			b.waiver(v, 1000, "approved")
		case 37:
			b.waiver(v, 2000, "refused")
		case 58:
			b.waiver(v, 1500, "")
		}
	}
	b.album(v, shot{role: "after", scene: room, view: scene.Compare})
	b.end(v, "solved", b.signing(fieldwork.Signed))
}

func minTime(a, c time.Time) time.Time {
	if a.Before(c) {
		return a
	}
	return c
}
