package month

import (
	"slices"
	"time"

	"siteledger/server/ledger"
)

func noEdits(e ...ledger.Edit) []ledger.Edit { return e }

func noteOn(b *builder, j *job, by *Person, at time.Time, text string) []ledger.Edit {
	return noEdits(insert("note", b.id(at), map[string]any{"job": raw(j.id), "kind": "note", "text": text, "at": ms(at), "author": raw(by.ID)}))
}

// stale puts a record in its place by time among a visit's own.
func (v *visit) stale(r Record) {
	v.records = append(v.records, r)
	slices.SortStableFunc(v.records, func(x, y Record) int { return x.At.Compare(y.At) })
}

// send gives every phone's records their pushes: most within minutes, some in
// the evening, some the next day, a few after days.
func (b *builder) send() {
	for _, ph := range b.m.Phones {
		var visits []*visit
		for _, v := range b.visits {
			if v.phone == ph {
				visits = append(visits, v)
			}
		}
		slices.SortStableFunc(visits, func(x, y *visit) int { return x.start.Compare(y.start) })
		var records []Record
		for _, n := range b.notes {
			if n.phone == ph {
				records = append(records, n.record)
			}
		}
		records = append(records, b.summaries(ph, visits)...)
		pushes := b.pushTimes(ph, visits, records)
		for _, v := range visits {
			records = append(records, v.records...)
		}
		slices.SortStableFunc(records, func(x, y Record) int { return x.At.Compare(y.At) })
		b.hand(ph, records, pushes)
		b.meet(ph, records)
	}
	// The demo's installer has got a new phone, which is enrolled by hand.
	b.step(Step{At: b.now.Add(-90 * time.Minute), Retire: b.repair[1]})
}

// pushTimes draws when each visit's records arrive; a phone's log arrives in
// order, so a late one holds up those behind it.
func (b *builder) pushTimes(ph *Phone, visits []*visit, notes []Record) []time.Time {
	var out []time.Time
	var last time.Time
	for i, v := range visits {
		evening := time.Date(v.start.Year(), v.start.Month(), v.start.Day(), 19, 0, 0, 0, v.start.Location())
		at := v.leave.Add(b.between(time.Minute, 9*time.Minute))
		switch p := b.rng.Float64(); {
		case v.prompt || v.job.astray || i == len(visits)-1 || ph == b.repair[1] && v.start.After(b.midnight(-2)):
		case p > 0.98 && ph == b.repair[1] && v.start.Before(b.midnight(-9)):
			at = evening.AddDate(0, 0, 3)
		case p > 0.92:
			at = evening.Add(b.between(14*time.Hour, 16*time.Hour))
		case p > 0.62:
			at = maxTime(at, evening.Add(b.between(0, 150*time.Minute)))
		}
		last = maxTime(at, last)
		v.pushed = last
		out = append(out, last)
		if v.last {
			v.job.done = last
		}
	}
	if len(visits) == 0 {
		for _, n := range notes {
			out = append(out, n.At.Add(b.between(time.Hour, 4*time.Hour)))
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// hand spreads the records over the pushes: each takes what was recorded until
// then.
func (b *builder) hand(ph *Phone, records []Record, pushes []time.Time) {
	for _, at := range pushes {
		n := 0
		for n < len(records) && !records[n].At.After(at) {
			n++
		}
		if n == 0 {
			continue
		}
		b.step(Step{At: at, Push: &Push{Phone: ph, Records: records[:n], Again: b.chance(0.03)}})
		for _, r := range records[:n] {
			if r.Name != "" {
				decided := b.workTime(at.Add(b.between(2*time.Hour, 20*time.Hour)))
				b.step(Step{At: decided, Rule: &Rule{Name: r.Name, Verdict: "keep", Reason: "已与顾客电话确认", By: ledger.Author{Person: b.clerkB.ID, Role: b.clerkB.Role}}})
			}
		}
		records = records[n:]
	}
}

// meet has a phone pull every morning of a day on which it works.
func (b *builder) meet(ph *Phone, records []Record) {
	seen := map[string]bool{}
	for _, r := range records {
		day := r.At.Format(time.DateOnly)
		if seen[day] {
			continue
		}
		seen[day] = true
		at := time.Date(r.At.Year(), r.At.Month(), r.At.Day(), 8, 5, 0, 0, r.At.Location())
		b.step(Step{At: minTime(at, r.At), Meet: ph})
	}
}

// summaries are the daily summaries of somebody who had visits (OR-16).
func (b *builder) summaries(ph *Phone, visits []*visit) []Record {
	var out []Record
	for i, v := range visits {
		if i+1 < len(visits) && visits[i+1].start.YearDay() == v.start.YearDay() || v.start.After(b.midnight(0)) || b.chance(0.06) {
			continue
		}
		at := v.leave.Add(b.between(time.Minute, 3*time.Minute))
		out = append(out, Record{At: at, Edits: noEdits(insert("day_summary", b.id(at), map[string]any{
			"day": v.start.Format(time.DateOnly), "text": "按计划完成,现场已清理,资料已交", "plan": "按派工执行",
		}))})
		v.leave = at
	}
	return out
}

// settleAll carries every job as far as the month has come.
func (b *builder) settleAll() {
	for _, j := range b.jobs {
		if j.astray {
			continue
		}
		if j.kind == "install" {
			b.settle(j, call{"manager3", 3, b.supervisor}, call{"clerk7", 7, b.clerkB})
			continue
		}
		b.settle(j, call{"after3", 3, b.clerkB})
	}
}
