package phone

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// change reads the job inside an edit and lets fn write: what the rows say at
// that moment decides, not what the page showed.
func (q *ask) change(fn func(e *clientsdk.Edit, f *jobFile) error) error {
	id, err := q.pathID("job")
	if err != nil {
		return err
	}
	return q.edit(func(e *clientsdk.Edit) error {
		f, err := loadJob(e, id, q.me())
		if err != nil {
			return err
		}
		return fn(e, f)
	})
}

// openVisit gives the open visit, or begins one (person and time of now).
func (q *ask) openVisit(e *clientsdk.Edit, f *jobFile) (schema.Row, error) {
	if f.Visit != nil {
		return f.Visit.Visit, nil
	}
	id, err := e.Insert("visit", map[string]any{"job": f.Job.ID, "person": q.me(), "started_at": q.app.nowMilli()})
	if err != nil {
		return schema.Row{}, fmt.Errorf("begin visit: %w", err)
	}
	return schema.Row{Table: "visit", ID: id}, nil
}

// walk takes the job along the allowed steps to a state, as far as the state
// machine lets an installer go. A job that the office cancelled or moved on
// meanwhile stays where it is: what was done is recorded all the same.
func (q *ask) walk(e *clientsdk.Edit, job schema.Row, to ...string) error {
	column := q.app.schema.Table("job").Column("status")
	from := job.Text("status")
	for _, next := range to {
		if from == next {
			continue
		}
		if _, may := column.Step(from, next, schema.Installer); !may {
			continue
		}
		if err := e.Update("job", job.ID, map[string]any{"status": next}); err != nil {
			return fmt.Errorf("job to %s: %w", next, err)
		}
		from = next
	}
	return nil
}

// depart serves POST /job/{job}/depart: on the way.
func depart(q *ask) error {
	err := q.change(func(e *clientsdk.Edit, f *jobFile) error {
		if f.Visit.has("depart") || f.Visit.has("arrive") {
			return nil // tapped twice
		}
		visit, err := q.openVisit(e, f)
		if err != nil {
			return err
		}
		scripts, err := q.scripts(e, f)
		if err != nil {
			return err
		}
		detail := ""
		if s, ok := scripts["booking"]; ok {
			detail = "话术 script " + s.Version
		}
		if _, err := e.Insert("visit_event", q.eventRow(visit, "depart", detail)); err != nil {
			return fmt.Errorf("depart: %w", err)
		}
		if f.Job.Text("status") == "new" {
			return q.walk(e, f.Job, "dispatched", "departed")
		}
		return q.walk(e, f.Job, "departed")
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job"), "departed")
}

// delayNotice serves POST /job/{job}/delay: the customer was told (JL-09).
func delayNotice(q *ask) error {
	minutes, err := parseCount(q.field("minutes", 4), 1, 24*60)
	if err != nil {
		return no("wrong.form")
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		if f.Visit.has("arrive") {
			return no("wrong.delay_late")
		}
		visit, err := q.openVisit(e, f)
		if err != nil {
			return err
		}
		_, err = e.Insert("visit_event", q.eventRow(visit, "delay", fmt.Sprintf("+%d min", minutes)))
		return err
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job"), "delay")
}

// arrive serves POST /job/{job}/arrive.
func arrive(q *ask) error {
	err := q.change(func(e *clientsdk.Edit, f *jobFile) error {
		if f.Visit.has("arrive") {
			return nil
		}
		visit, err := q.openVisit(e, f)
		if err != nil {
			return err
		}
		if _, err := e.Insert("visit_event", q.arrivalPlace(q.eventRow(visit, "arrive", ""))); err != nil {
			return fmt.Errorf("arrive: %w", err)
		}
		if f.Job.Text("status") == "new" {
			return q.walk(e, f.Job, "dispatched", "arrived")
		}
		return q.walk(e, f.Job, "arrived")
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job"), "arrived")
}

// customerAbsent serves POST /job/{job}/absent: nobody at home is an ordinary
// end of a visit (SF-02); it goes straight to its last page.
func customerAbsent(q *ask) error {
	err := q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		if v.Visit.Text("outcome") != "absent" {
			if err := e.Update("visit", v.Visit.ID, map[string]any{"outcome": "absent"}); err != nil {
				return fmt.Errorf("absent: %w", err)
			}
		}
		if _, signed := v.signature(); signed {
			return nil
		}
		return q.insertSignature(e, f.Job.ID, v.Visit.ID, given{outcome: fieldwork.Absent})
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job")+"/done", "absent")
}

// correctContact serves POST /job/{job}/contact: the technician stands at the
// door and knows the right number. Where the office wrote another one, a clerk
// decides; until then both stay readable.
func correctContact(q *ask) error {
	phone := cleanPhone(q.field("phone", 200))
	if phone == "" {
		return no("wrong.phone")
	}
	err := q.change(func(e *clientsdk.Edit, f *jobFile) error {
		if f.Contact.ID == uuid.Nil {
			return gone()
		}
		if f.Contact.Text("phone") == phone {
			return nil
		}
		return e.Update("job_contact", f.Contact.ID, map[string]any{"phone": phone})
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job"), "contact")
}

// answerQuestion serves POST /job/{job}/answer.
func answerQuestion(q *ask) error {
	text := q.field("text", 4000)
	if text == "" {
		return no("wrong.empty")
	}
	id, err := q.formID()
	if err != nil {
		return err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		return q.insertOnce(e, "note", id, map[string]any{"job": f.Job.ID, "kind": "answer", "text": text, "at": q.app.nowMilli(), "author": q.me()})
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job"), "answered")
}

// calledBack serves POST /job/{job}/called: the technician's own call after a
// doubtful repair (FC-06).
func calledBack(q *ask) error {
	result := q.field("result", 10)
	if !slices.Contains([]string{"good", "bad", "nobody"}, result) {
		return no("wrong.form")
	}
	words := strings.TrimSpace(callMark + ": " + q.app.dicts[langZH].text("called."+result))
	id, err := q.formID()
	if err != nil {
		return err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		return q.insertOnce(e, "note", id, map[string]any{"job": f.Job.ID, "kind": "note", "text": words, "at": q.app.nowMilli(), "author": q.me()})
	})
	if err != nil {
		return err
	}
	return q.to("/", "called")
}

// insertOnce makes a row with the id that the page gave it; the same form again
// changes nothing.
func (q *ask) insertOnce(e *clientsdk.Edit, table string, id uuid.UUID, cols map[string]any) error {
	_, there, err := e.Row(table, id)
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	if there {
		return nil
	}
	if err := e.InsertID(table, id, cols); err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}
