package phone

import (
	"cmp"
	"time"

	"siteledger/syncproto/schema"
)

// soonAfter is how near an appointment may come before its clock turns amber:
// a delay must be told half an hour ahead (JL-09).
const soonAfter = 30 * time.Minute

// card makes the slip of a job for a list.
func (q *ask) card(t jobTables, job schema.Row) jobCard {
	contact := t.contact(job.ID)
	c := jobCard{
		ID: job.ID, Link: "/job/" + job.ID.String(), sort: cmp.Or(job.Int("slot_from"), job.Int("intake_at")),
		Where: cmp.Or(contact.Text("community"), contact.Text("address"), q.t("job.no_address")),
		Who:   cmp.Or(contact.Text("name"), q.t("job.no_name")),
		Ask:   job.Text("asked_work"),
	}
	if from := job.Int("slot_from"); from > 0 {
		c.Time = q.hm(from)
		if to := job.Int("slot_to"); to > 0 {
			c.TimeNote = "–" + q.hm(to)
		}
		if q.daysFromToday(from) < 0 {
			c.TimeNote = q.stubDay(from)
		}
	} else {
		c.Time, c.TimeNote = "—", q.t("job.no_slot")
	}
	switch job.Text("status") {
	case "departed", "arrived":
		c.Tone = "here"
	case "cancelled":
		c.Tone = "off"
	}
	c.Pills = q.pills(t, job)
	return c
}

func (q *ask) pills(t jobTables, job schema.Row) []pill {
	var out []pill
	if job.Text("status") == "cancelled" {
		out = append(out, pill{"", "x", q.valueOf("job", "status", "cancelled")})
	} else if p, ok := q.clockPill(job); ok {
		out = append(out, p)
	}
	if n := t.retakes(job.ID); n > 0 {
		out = append(out, pill{"bad", "camera", q.t("pill.retake", n)})
	}
	out = append(out, pill{"", "", q.valueOf("job", "kind", job.Text("kind"))})
	out = append(out, q.warrantyPill(job.Text("warranty")))
	if job.Bool("found_on_spot") {
		out = append(out, pill{"info", "pin", q.t("pill.found")})
	}
	if !t.mine[job.ID] && job.Text("status") != "cancelled" {
		out = append(out, pill{"wait", "user", q.t("pill.moved")})
	}
	return out
}

// valueOf is the label of a value in the words of this request.
func (q *ask) valueOf(table, column, v string) string {
	return q.app.valueLabel(q.lang, table, column, v)
}

func (q *ask) warrantyPill(v string) pill {
	switch v {
	case "in":
		return pill{"ok", "shield", q.valueOf("job", "warranty", v)}
	case "out":
		return pill{"wait", "shield-off", q.valueOf("job", "warranty", v)}
	case "quality":
		return pill{"info", "shield", q.valueOf("job", "warranty", v)}
	}
	return pill{"", "shield", q.valueOf("job", "warranty", v)}
}

// clockPill says how the job stands against its appointment.
func (q *ask) clockPill(job schema.Row) (pill, bool) {
	switch job.Text("status") {
	case "arrived":
		return pill{"ok", "pin", q.valueOf("job", "status", "arrived")}, true
	case "departed":
		return pill{"info", "truck", q.valueOf("job", "status", "departed")}, true
	case "new", "dispatched":
	default:
		return pill{}, false
	}
	from, to := job.Int("slot_from"), cmp.Or(job.Int("slot_to"), job.Int("slot_from"))
	if from == 0 || q.daysFromToday(from) > 0 {
		return pill{}, false
	}
	now := q.now()
	switch left := time.UnixMilli(from).Sub(now); {
	case left > soonAfter:
		return pill{"ok", "clock", q.t("pill.left", q.span(left))}, true
	case left > 0:
		return pill{"wait", "clock", q.t("pill.left", q.span(left))}, true
	}
	if left := time.UnixMilli(to).Sub(now); left > 0 {
		return pill{"wait", "clock", q.t("pill.inside", q.span(left))}, true
	}
	return pill{"bad", "warn", q.t("pill.late", q.span(now.Sub(time.UnixMilli(to))))}, true
}
