package phone

import (
	"net/http"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/schema"
)

// partData is station 5: what was built in, and the old part.
type partData struct {
	*jobFile
	Parts   []schema.Row
	Covered bool // in warranty: the old part's number or a reason is a must (FP-12)
	Old     shot
	Typed   partForm
}

type partForm struct{ Name, Serial, Quantity, Old, Missing string }

func partPage(q *ask) error { return q.showParts(http.StatusOK, "", partForm{Quantity: "1"}) }

func (q *ask) showParts(status int, wrong string, typed partForm) error {
	f, err := q.job()
	if err != nil {
		return err
	}
	v, err := f.onSite()
	if err != nil {
		return err
	}
	d := partData{jobFile: f, Parts: v.Parts, Covered: covered(f.Job), Typed: typed}
	d.Old = q.shots(f, "/job/"+f.Job.ID.String()+"/part", uuid.Nil, "oldpart")[0]
	return q.show(status, "part", page{Title: q.t("step.part"), Back: "/job/" + f.Job.ID.String(), Wrong: wrong, Body: d})
}

func covered(job schema.Row) bool {
	return job.Text("warranty") == "in" || job.Text("warranty") == "quality"
}

// addPart serves POST /job/{job}/part.
func addPart(q *ask) error {
	typed := partForm{q.field("name", 120), q.field("serial", 120), q.field("quantity", 10), q.field("old_part_no", 60), q.field("old_part_missing", 400)}
	id, err := q.formID()
	if err != nil {
		return err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		if typed.Name == "" {
			return no("wrong.part_name")
		}
		quantity, err := parseCount(typed.Quantity, 1, 999)
		if err != nil {
			return no("wrong.quantity")
		}
		if covered(f.Job) && typed.Old == "" && typed.Missing == "" {
			return no("wrong.old_part")
		}
		cols := map[string]any{"visit": v.Visit.ID, "name": typed.Name, "quantity": quantity}
		for name, value := range map[string]string{"serial": typed.Serial, "old_part_no": typed.Old, "old_part_missing": typed.Missing} {
			if value != "" {
				cols[name] = value
			}
		}
		return q.insertOnce(e, "part_used", id, cols)
	})
	if err != nil {
		status, text := q.sentence(err)
		if status == http.StatusInternalServerError {
			return err
		}
		return q.showParts(status, text, typed)
	}
	return q.to("/job/"+q.r.PathValue("job")+"/part", "part")
}
