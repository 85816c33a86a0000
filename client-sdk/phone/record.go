package phone

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// workData is station 3: fault, cause and measure, and the defects.
type workData struct {
	*jobFile
	Of       *visitFile // the visit whose record this is: the open one, else the last
	Record   schema.Row
	Defects  []defectCard
	Shots    []shot
	Finished bool // the visit is over: only what was deferred is still written
	Deferred bool // not written yet and may wait
}

// defectCard is one defect in the list.
type defectCard struct {
	schema.Row
	Tone, Icon string
	Missing    int
	Photos     int
	Link       string
}

// recordVisit is the visit whose record may be written: the open one, or the
// last closed one of this person while something in it is deferred.
func (f *jobFile) recordVisit(me uuid.UUID) (*visitFile, error) {
	if f.Visit != nil {
		return f.onSite()
	}
	for i := len(f.Past) - 1; i >= 0; i-- {
		if v := f.Past[i]; v.Visit.UUID("person") == me && v.Record != nil {
			return v, nil
		}
	}
	return nil, no("wrong.arrive")
}

func workPage(q *ask) error {
	f, err := q.job()
	if err != nil {
		return err
	}
	v, err := f.recordVisit(q.me())
	if err != nil {
		return err
	}
	d := workData{jobFile: f, Of: v, Finished: len(v.Closes) > 0}
	if v.Record != nil {
		d.Record = *v.Record
	}
	d.Deferred = d.Record.Bool("deferred")
	for _, defect := range f.Defects {
		d.Defects = append(d.Defects, q.defectCard(f, defect))
	}
	if !d.Finished {
		d.Shots = q.shots(f, "/job/"+f.Job.ID.String()+"/work", uuid.Nil, "during")
	}
	return q.show(http.StatusOK, "work", page{Title: q.t("step.work"), Back: "/job/" + f.Job.ID.String(), Body: d})
}

func (q *ask) defectCard(f *jobFile, defect schema.Row) defectCard {
	c := defectCard{Row: defect, Link: fmt.Sprintf("/job/%s/defect/%s", f.Job.ID, defect.ID), Photos: len(f.photosOf(defect.ID))}
	switch defect.Text("status") {
	case "open":
		c.Tone, c.Icon = "wait", "pen"
		c.Missing = len(fieldwork.MissingEvidence(defect, f.Photos))
	case "retake":
		c.Tone, c.Icon = "bad", "camera"
		c.Link = fmt.Sprintf("/job/%s/retake/%s", f.Job.ID, defect.ID)
	case "judged":
		c.Tone, c.Icon = "ok", "gavel"
	case "returning":
		c.Tone, c.Icon = "info", "truck"
	default:
		c.Tone, c.Icon = "info", "clock"
	}
	return c
}

// saveRecord serves POST /job/{job}/record; a script calls it while words are
// typed. Only what differs is written.
func saveRecord(q *ask) error {
	cols := map[string]any{}
	for _, name := range []string{"fault", "cause", "measure"} {
		if q.has(name) {
			cols[name] = q.field(name, 2000)
		}
	}
	if q.has("deferred_shown") {
		cols["deferred"] = q.ticked("deferred")
		if q.ticked("deferred") {
			cols["deferred_due"] = q.nextWorkingDay().UnixMilli()
		}
	}
	err := q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.recordVisit(q.me())
		if err != nil {
			return err
		}
		if v.Record != nil && v.Record.Bool("deferred") && q.ticked("deferred") {
			delete(cols, "deferred_due") // the day it was promised for stays
		}
		return saveRecordCols(e, v, cols)
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job"), "saved")
}

// saveRecordCols writes the columns that differ into the visit's service
// record, and makes the record where there is none.
func saveRecordCols(e *clientsdk.Edit, v *visitFile, cols map[string]any) error {
	if v.Record == nil {
		if empty(cols) {
			return nil
		}
		cols["visit"] = v.Visit.ID
		if _, err := e.Insert("service_record", cols); err != nil {
			return fmt.Errorf("service record: %w", err)
		}
		return nil
	}
	return updateChanged(e, *v.Record, cols)
}

// updateChanged writes the columns that differ from the row, if any.
func updateChanged(e *clientsdk.Edit, row schema.Row, cols map[string]any) error {
	changed := map[string]any{}
	for name, v := range cols {
		if !sameValue(row.Cols[name], v) {
			changed[name] = v
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := e.Update(row.Table, row.ID, changed); err != nil {
		return fmt.Errorf("%s: %w", row.Table, err)
	}
	return nil
}

// sameValue compares a cell with a typed value; an empty cell equals an empty
// text and an unticked box.
func sameValue(cell, typed any) bool {
	if cell == nil {
		return typed == nil || typed == "" || typed == false
	}
	return schema.Equal(cell, typed)
}

func empty(cols map[string]any) bool {
	for _, v := range cols {
		if !sameValue(nil, v) {
			return false
		}
	}
	return true
}

// nextWorkingDay is six in the evening of the next day that is no Sunday: when
// deferred words are due (OR-14).
func (q *ask) nextWorkingDay() time.Time {
	t := q.now().In(q.zone).AddDate(0, 0, 1)
	if t.Weekday() == time.Sunday {
		t = t.AddDate(0, 0, 1)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 18, 0, 0, 0, q.zone)
}
