package phone

import (
	"fmt"
	"net/http"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// doneData is station 8: the end of the visit, and what of it is where.
type doneData struct {
	*jobFile
	Of        *visitFile
	Closed    bool
	Signature schema.Row
	HasSigned bool
	Stale     bool // the signature no longer covers the content
	Again     bool // and the customer can be asked for a new one from here
	Photos    int  // of this visit
	Verified  int  // of them checked by the centre
	Doubts    []string
	Next      string // what is missing before the visit may end
	NextLink  string
}

func donePage(q *ask) error { return q.showDone(http.StatusOK, "") }

func (q *ask) showDone(status int, wrong string) error {
	f, err := q.job()
	if err != nil {
		return err
	}
	v := f.Visit
	d := doneData{jobFile: f}
	if v == nil && len(f.Past) > 0 {
		v, d.Closed = f.Past[len(f.Past)-1], true
	}
	if v == nil || !v.has("arrive") {
		return no("wrong.arrive")
	}
	d.Of = v
	d.Signature, d.HasSigned = v.signature()
	d.Again = d.Closed && f.again() == v
	d.Stale = fieldwork.StateOf(v.VisitRows) == fieldwork.SignatureSuperseded
	states := q.uploadStates()
	for _, p := range v.Photos {
		d.Photos++
		if states[[32]byte(pad(p.Bytes("original")))] == clientsdk.Verified {
			d.Verified++
		}
	}
	for _, broken := range fieldwork.CheckOrder(fieldwork.Steps(v.VisitRows)) {
		d.Doubts = append(d.Doubts, broken.In(q.lang))
	}
	if !d.Closed {
		for _, s := range q.steps(f) {
			if s.State == "now" && s.No < stepDone {
				d.Next, d.NextLink = s.Title, s.Link
				break
			}
		}
	}
	return q.show(status, "done", page{Title: q.t("step.done"), Back: "/job/" + f.Job.ID.String(), Wrong: wrong, Body: d})
}

// closeVisit serves POST /job/{job}/done: leaving. The closing row is the last
// thing written of a visit and says how much there is, so that the centre can
// tell whole from half (P12).
func closeVisit(q *ask) error {
	lacks := ""
	err := q.change(func(e *clientsdk.Edit, f *jobFile) error {
		if f.Visit == nil {
			return nil // tapped twice
		}
		v := f.Visit
		if broken := fieldwork.MayFinish(v.Events); broken != nil {
			return broken
		}
		for _, s := range q.steps(f) {
			if s.State == "now" && s.No < stepDone {
				lacks = s.Title
				return nil
			}
		}
		cols := map[string]any{"uncertain_fix": q.ticked("uncertain_fix"), "note": q.field("note", 2000)}
		if err := updateChanged(e, v.Visit, cols); err != nil {
			return err
		}
		if !v.has("leave") {
			if _, err := e.Insert("visit_event", q.eventRow(v.Visit, "leave", "")); err != nil {
				return fmt.Errorf("leave: %w", err)
			}
		}
		if err := q.walk(e, f.Job, "finished"); err != nil {
			return err
		}
		return q.writeClose(e, f)
	})
	if err != nil {
		return err
	}
	if lacks != "" {
		return q.showDone(http.StatusUnprocessableEntity, q.t("wrong.step_first", lacks))
	}
	return q.to("/job/"+q.r.PathValue("job")+"/done", "")
}

// writeClose counts the visit as it now is and writes its closing row.
func (q *ask) writeClose(e *clientsdk.Edit, before *jobFile) error {
	f, err := loadJob(e, before.Job.ID, q.me())
	if err != nil {
		return err
	}
	if f.Visit == nil {
		return gone()
	}
	_, err = e.Insert("visit_close", map[string]any{
		"visit": f.Visit.Visit.ID, "at": q.app.nowMilli(), "rows": int64(f.Visit.Count), "photos": int64(len(f.Visit.Photos)),
	})
	if err != nil {
		return fmt.Errorf("close visit: %w", err)
	}
	return nil
}
