package phone

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// finishedData is 已完成: the technician's own closed visits, newest first.
type finishedData struct{ Groups []cardGroup }

func finishedPage(q *ask) error {
	var d finishedData
	err := q.view(func(v *clientsdk.View) error {
		t, err := q.loadJobs(v)
		if err != nil {
			return err
		}
		signatures, err := v.Rows("signature", clientsdk.Query{})
		if err != nil {
			return err
		}
		states, err := q.signedVisits(v, t)
		if err != nil {
			return err
		}
		d.Groups = q.finishedCards(t, signatures, states)
		return nil
	})
	if err != nil {
		return err
	}
	return q.show(http.StatusOK, "finished", page{Title: q.t("tab.finished"), Tab: "finished", Body: d})
}

func (q *ask) finishedCards(t jobTables, signatures []schema.Row, states map[uuid.UUID]fieldwork.SignatureState) []cardGroup {
	var cards []jobCard
	for _, done := range t.closes {
		job, visit := t.job(done.Root), t.visit(done.UUID("visit"))
		if job == nil || visit == nil || visit.UUID("person") != q.me() {
			continue
		}
		c := q.card(t, *job)
		c.Tone, c.sort = "", done.Int("at")
		c.Time, c.TimeNote = q.hm(done.Int("at")), ""
		c.Pills = q.finishedPills(t, *job, *visit, signatures)
		if states[visit.ID] == fieldwork.SignatureSuperseded {
			c.Pills = append(c.Pills, pill{"wait", "pen", q.t("pill.superseded")})
		}
		cards = append(cards, c)
	}
	slices.SortStableFunc(cards, func(a, b jobCard) int { return cmp.Compare(b.sort, a.sort) })
	var groups []cardGroup
	for _, c := range cards {
		title := q.day(c.sort)
		if len(groups) == 0 || groups[len(groups)-1].Title != title {
			groups = append(groups, cardGroup{Title: title})
		}
		g := &groups[len(groups)-1]
		g.Cards = append(g.Cards, c)
		g.Note = q.t("home.count", len(g.Cards))
	}
	return groups
}

func (q *ask) finishedPills(t jobTables, job, visit schema.Row, signatures []schema.Row) []pill {
	var out []pill
	if s := job.Text("status"); s != "finished" {
		out = append(out, pill{"", "", q.valueOf("job", "status", s)})
	}
	switch {
	case job.Bool("complete"):
		out = append(out, pill{"ok", "cloud-ok", q.t("pill.complete")})
	default:
		out = append(out, pill{"wait", "cloud-up", q.t("pill.incomplete")})
	}
	if o := visit.Text("outcome"); o != "" {
		tone := "info"
		if o == "solved" {
			tone = "ok"
		}
		out = append(out, pill{tone, "", q.valueOf("visit", "outcome", o)})
	}
	for _, s := range slices.Backward(signatures) {
		if s.UUID("visit") == visit.ID {
			out = append(out, pill{"", "", q.valueOf("signature", "outcome", s.Text("outcome"))})
			break
		}
	}
	if n := t.retakes(job.ID); n > 0 {
		out = append(out, pill{"bad", "camera", q.t("pill.retake", n)})
	}
	return out
}

func (t jobTables) job(id [16]byte) *schema.Row {
	for i := range t.jobs {
		if t.jobs[i].ID == id {
			return &t.jobs[i]
		}
	}
	return nil
}

func (t jobTables) visit(id [16]byte) *schema.Row {
	for i := range t.visits {
		if t.visits[i].ID == id {
			return &t.visits[i]
		}
	}
	return nil
}
