package phone

import (
	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// signedVisits gives the standing of the customer's signature for closed visits
// of this person, by visit: each table is read once, whatever the number of
// jobs.
func (q *ask) signedVisits(v rows, t jobTables) (map[uuid.UUID]fieldwork.SignatureState, error) {
	read := map[string]map[uuid.UUID][]schema.Row{}
	for _, table := range []string{"signature", "part_used", "fee_line", "rating"} {
		found, err := v.Rows(table, clientsdk.Query{})
		if err != nil {
			return nil, err
		}
		read[table] = byVisit(found)
	}
	defects, events, records := byVisit(t.defects), byVisit(t.events), byVisit(t.records)
	out := map[uuid.UUID]fieldwork.SignatureState{}
	for _, c := range t.closes {
		visit := t.visit(c.UUID("visit"))
		if visit == nil || visit.UUID("person") != q.me() || len(read["signature"][visit.ID]) == 0 {
			continue
		}
		out[visit.ID] = fieldwork.StateOf(fieldwork.VisitRows{
			Visit: *visit, Record: lastOf(records[visit.ID]), Rating: lastOf(read["rating"][visit.ID]), Parts: read["part_used"][visit.ID],
			Defects: defects[visit.ID], Fees: read["fee_line"][visit.ID], Events: events[visit.ID], Signatures: read["signature"][visit.ID],
		})
	}
	return out, nil
}

// byVisit groups rows that are not deleted by the visit that they name.
func byVisit(rows []schema.Row) map[uuid.UUID][]schema.Row {
	out := map[uuid.UUID][]schema.Row{}
	for _, r := range rows {
		if !r.Deleted {
			out[r.UUID("visit")] = append(out[r.UUID("visit")], r)
		}
	}
	return out
}

// resign lists the jobs of which a customer has to sign again: something that
// he signed was changed after the visit, here or at the office (SF-07).
func (q *ask) resign(v rows, t jobTables) ([]jobCard, error) {
	finished := map[uuid.UUID]schema.Row{}
	for _, job := range t.jobs {
		if job.Text("status") == "finished" {
			finished[job.ID] = job
		}
	}
	if len(finished) == 0 {
		return nil, nil
	}
	states, err := q.signedVisits(v, t)
	if err != nil {
		return nil, err
	}
	var out []jobCard
	for _, visit := range t.visits {
		job, ok := finished[visit.UUID("job")]
		if !ok || states[visit.ID] != fieldwork.SignatureSuperseded {
			continue
		}
		delete(finished, job.ID) // once, whatever the number of its visits
		c := q.card(t, job)
		c.Link += "/handover"
		c.Pills = []pill{{"wait", "pen", q.t("pill.superseded")}}
		out = append(out, c)
	}
	return out, nil
}
