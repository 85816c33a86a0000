package phone

import (
	"cmp"
	"fmt"
	"net/http"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// retakeData opens exactly the photo that a judge is missing.
type retakeData struct {
	*jobFile
	Defect  schema.Row
	Verdict schema.Row
	Wanted  shot
	Others  []shot
	Ready   bool // the wanted photo is there
	Before  []thumb
	Marked  []markedPhoto // where headquarters drew what it means
	Gallery bool
}

func retakePage(q *ask) error {
	return q.showRetake(http.StatusOK, "")
}

func (q *ask) showRetake(status int, wrong string) error {
	f, defect, err := q.defect()
	if err != nil {
		return err
	}
	v, ok := f.verdict(defect.ID)
	if !ok || defect.Text("status") != "retake" {
		return q.to(fmt.Sprintf("/job/%s/defect/%s", f.Job.ID, defect.ID), "")
	}
	d := retakeData{jobFile: f, Defect: defect, Verdict: v, Gallery: q.r.URL.Query().Get("source") == "gallery"}
	role := wantedRole(v)
	back := fmt.Sprintf("/job/%s/retake/%s", f.Job.ID, defect.ID)
	fresh, before := splitRetakes(f.photosOf(defect.ID), v)
	d.Before = q.thumbs(before)
	if d.Marked, err = q.marked(v.ID, f.photosOf(defect.ID)); err != nil {
		return err
	}
	pack := fieldwork.PackOf(defect.Text("class"))
	for _, s := range q.shots(f, back, defect.ID, fieldwork.RoleFull, fieldwork.RoleClose, fieldwork.RoleCompare, fieldwork.RoleScale) {
		s.Retake, s.Plane = v.ID.String(), pack.SamePlane
		s.Got = q.thumbs(ofRole(fresh, s.Role))
		if s.Role == role {
			s.Need = len(s.Got) == 0
			d.Wanted = s
		} else {
			d.Others = append(d.Others, s)
		}
	}
	d.Ready = len(d.Wanted.Got) > 0
	return q.show(status, "retake", page{Title: q.t("retake.title"), Back: "/job/" + f.Job.ID.String(), Wrong: wrong, Body: d})
}

func wantedRole(verdict schema.Row) string {
	return cmp.Or(verdict.Text("wanted_role"), fieldwork.RoleFull)
}

// splitRetakes tells the photos taken for this request from the earlier ones.
func splitRetakes(photos []schema.Row, verdict schema.Row) (fresh, before []schema.Row) {
	for _, p := range photos {
		if p.UUID("retake_of") == verdict.ID {
			fresh = append(fresh, p)
		} else {
			before = append(before, p)
		}
	}
	return fresh, before
}

func ofRole(photos []schema.Row, role string) []schema.Row {
	var out []schema.Row
	for _, p := range photos {
		if p.Text("role") == role {
			out = append(out, p)
		}
	}
	return out
}

// retakeDone serves POST /job/{job}/retake/{defect}: back to the judge, but not
// without the photo that was asked for (AD-07).
func retakeDone(q *ask) error {
	id, err := q.pathID("defect")
	if err != nil {
		return err
	}
	lacking := false
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		defect, ok := f.defect(id)
		if !ok {
			return gone()
		}
		if defect.Text("status") != "retake" {
			return nil
		}
		v, _ := f.verdict(id)
		fresh, _ := splitRetakes(f.photosOf(id), v)
		if len(ofRole(fresh, wantedRole(v))) == 0 {
			lacking = true
			return nil
		}
		return e.Update("defect", id, map[string]any{"status": "submitted"})
	})
	if err != nil {
		return err
	}
	if lacking {
		return q.showRetake(http.StatusUnprocessableEntity, q.t("wrong.retake_missing"))
	}
	return q.to("/job/"+q.r.PathValue("job"), "retaken")
}
