package phone

import (
	"net/http"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
)

// foundData is a job that nobody sent: found on the spot, recorded offline.
type foundData struct {
	From  string // the job where it was found; its contact is filled in
	Typed foundForm
	Kinds []string
	Cover []string
}

type foundForm struct{ Kind, Warranty, Name, Phone, Address, Community, Work string }

func foundPage(q *ask) error {
	d := foundData{From: q.field("from", 40)}
	if id, err := uuid.Parse(d.From); err == nil {
		err := q.view(func(v *clientsdk.View) error {
			f, err := loadJob(v, id, q.me())
			if err != nil {
				return err
			}
			c := f.Contact
			d.Typed = foundForm{Name: c.Text("name"), Phone: c.Text("phone"), Address: c.Text("address"), Community: c.Text("community"), Warranty: f.Job.Text("warranty")}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return q.showFound(http.StatusOK, "", d)
}

func (q *ask) showFound(status int, wrong string, d foundData) error {
	d.Kinds, d.Cover = []string{"repair", "aftersale", "maintain", "install"}, []string{"in", "out", "unknown"}
	back := "/"
	if d.From != "" {
		back = "/job/" + d.From
	}
	return q.show(status, "found", page{Title: q.t("found.title"), Back: back, Wrong: wrong, Body: d})
}

// found serves POST /found: job, contact, assignment to oneself, visit and
// arrival in one transaction. The office gets it with the next sync and gives
// it a number.
func found(q *ask) error {
	t := foundForm{
		q.field("kind", 20), q.field("warranty", 20), q.field("name", 120), q.field("phone", 40),
		q.field("address", 600), q.field("community", 120), q.field("work", 2000),
	}
	d := foundData{From: q.field("from", 40), Typed: t}
	id, err := q.formID()
	if err != nil {
		return err
	}
	if wrong := q.lacksFound(t); wrong != "" {
		return q.showFound(http.StatusUnprocessableEntity, q.t(wrong), d)
	}
	err = q.edit(func(e *clientsdk.Edit) error { return q.insertFound(e, id, d) })
	if err != nil {
		return err
	}
	return q.to("/job/"+id.String(), "found")
}

func (q *ask) lacksFound(t foundForm) string {
	_, kind := q.app.schema.Table("job").Column("kind").ValueLabels[t.Kind]
	_, cover := q.app.schema.Table("job").Column("warranty").ValueLabels[t.Warranty]
	switch {
	case !kind:
		return "wrong.found_kind"
	case t.Work == "":
		return "wrong.found_work"
	case t.Name == "":
		return "wrong.found_name"
	case t.Phone != "" && cleanPhone(t.Phone) == "":
		return "wrong.phone"
	case !cover:
		return "wrong.found_cover"
	}
	return ""
}

func (q *ask) insertFound(e *clientsdk.Edit, id uuid.UUID, d foundData) error {
	_, there, err := e.Row("job", id)
	if err != nil || there {
		return err
	}
	now, t := q.app.nowMilli(), d.Typed
	job := map[string]any{
		"kind": t.Kind, "warranty": t.Warranty, "asked_work": t.Work, "channel": "site",
		"intake_at": now, "slot_from": now, "found_on_spot": true, "status": "new",
	}
	if from, err := uuid.Parse(d.From); err == nil {
		job["origin"] = from
	}
	if err := e.InsertID("job", id, job); err != nil {
		return err
	}
	contact := map[string]any{"job": id, "name": t.Name}
	for name, value := range map[string]string{"phone": cleanPhone(t.Phone), "address": t.Address, "community": t.Community} {
		if value != "" {
			contact[name] = value
		}
	}
	if _, err := e.Insert("job_contact", contact); err != nil {
		return err
	}
	if _, err := e.Insert("assignment", map[string]any{"job": id, "person": q.me(), "lead": true, "active": true}); err != nil {
		return err
	}
	visit, err := e.Insert("visit", map[string]any{"job": id, "person": q.me(), "started_at": now})
	if err != nil {
		return err
	}
	if _, err := e.Insert("visit_event", map[string]any{"visit": visit, "kind": "arrive", "at": now}); err != nil {
		return err
	}
	for _, status := range []string{"dispatched", "arrived"} {
		if err := e.Update("job", id, map[string]any{"status": status}); err != nil {
			return err
		}
	}
	return nil
}
