package phone

import (
	"net/http"
	"slices"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// finishData is station 6: the ticks before the customer gets the phone.
type finishData struct {
	*jobFile
	Record   schema.Row
	Visit    schema.Row
	Outcomes []string
	Shots    []listedShot // the visit's list (DE-09)
	Lacking  int          // of them neither taken nor left out for a reason
	Checked  bool
	At       int64
	Warranty bool // the warranty card is a must (OR-07)
	NoPhoto  string
	Ticked   map[string]bool // of the self-check, as typed
	Script   script
	Signed   bool
}

func finishPage(q *ask) error { return q.showFinish(http.StatusOK, "") }

func (q *ask) showFinish(status int, wrong string) error {
	f, err := q.job()
	if err != nil {
		return err
	}
	v, err := f.onSite()
	if err != nil {
		return err
	}
	d := finishData{
		jobFile: f, Visit: v.Visit, Warranty: needsCard(f.Job), NoPhoto: q.field("no_photo", maxSkip),
		Outcomes: []string{"solved", "unsolved", "parts", "judge"},
		Ticked:   map[string]bool{"product": q.ticked("check_product"), "site": q.ticked("check_site"), "tools": q.ticked("check_tools")},
	}
	if v.Record != nil {
		d.Record = *v.Record
	}
	if e, ok := v.event("selfcheck"); ok {
		d.Checked, d.At = true, e.Int("at")
	}
	_, d.Signed = v.signature()
	d.Shots, d.Lacking = q.shotList(f, "/job/"+f.Job.ID.String()+"/finish"), len(f.missingShots())
	if err := q.view(func(view *clientsdk.View) error {
		scripts, err := q.scripts(view, f)
		d.Script = scripts["finish"]
		return err
	}); err != nil {
		return err
	}
	return q.show(status, "finish", page{Title: q.t("step.finish"), Back: "/job/" + f.Job.ID.String(), Wrong: wrong, Body: d})
}

// needsCard: the warranty card is filled in on an install and on an in-warranty
// repair (OR-07).
func needsCard(job schema.Row) bool {
	return job.Text("kind") == "install" || job.Text("warranty") == "in"
}

// typedFinish reads the ticks and the outcome, where the form holds them.
func (q *ask) typedFinish() (record map[string]any, outcome string, err error) {
	record = map[string]any{}
	if q.has("ticks_shown") {
		for _, name := range []string{"training_done", "restored", "cleaned", "warranty_card"} {
			record[name] = q.ticked(name)
		}
	}
	outcome, err = q.choice("outcome", "visit", "outcome")
	return record, outcome, err
}

func saveTicks(e *clientsdk.Edit, v *visitFile, record map[string]any, outcome string) error {
	if err := saveRecordCols(e, v, record); err != nil {
		return err
	}
	if outcome == "" {
		return nil
	}
	return updateChanged(e, v.Visit, map[string]any{"outcome": outcome})
}

// saveFinish serves POST /job/{job}/finish; a script calls it at each tick.
func saveFinish(q *ask) error {
	record, outcome, err := q.typedFinish()
	if err != nil {
		return err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		return saveTicks(e, v, record, outcome)
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job")+"/finish", "saved")
}

// selfCheck serves POST /job/{job}/selfcheck: product, site and toolbox, before
// the customer signs (OR-05). The ticks are kept whatever is still missing.
func selfCheck(q *ask) error {
	record, outcome, err := q.typedFinish()
	if err != nil {
		return err
	}
	if err := q.saveSkips(); err != nil {
		return err
	}
	missing := ""
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		if err := saveTicks(e, v, record, outcome); err != nil {
			return err
		}
		if missing = q.lacksForCheck(f, v, record, outcome); missing != "" || v.has("selfcheck") {
			return nil
		}
		detail := "产品、现场、工具箱 product, site, toolbox"
		_, err = e.Insert("visit_event", q.eventRow(v.Visit, "selfcheck", clip(detail, 1000)))
		return err
	})
	if err != nil {
		return err
	}
	if missing != "" {
		return q.showFinish(http.StatusUnprocessableEntity, q.t(missing))
	}
	return q.to("/job/"+q.r.PathValue("job")+"/handover", "")
}

// lacksForCheck is the key of the first sentence that says what the self-check
// still lacks; "" for nothing.
func (q *ask) lacksForCheck(f *jobFile, v *visitFile, record map[string]any, outcome string) string {
	ticked := func(name string) bool {
		if b, ok := record[name].(bool); ok {
			return b
		}
		return v.Record != nil && v.Record.Bool(name)
	}
	switch {
	case !ticked("training_done"):
		return "wrong.training"
	case !ticked("restored") || !ticked("cleaned"):
		return "wrong.cleaned"
	case needsCard(f.Job) && !ticked("warranty_card"):
		return "wrong.warranty_card"
	case slices.ContainsFunc(f.missingShots(), func(s fieldwork.ShotState) bool { return s.Role == fieldwork.RoleAfter }):
		return "wrong.after"
	case len(f.missingShots()) > 0:
		return "wrong.shots"
	case outcome == "" && v.Visit.Text("outcome") == "":
		return "wrong.outcome"
	case !v.has("selfcheck") && (!q.ticked("check_product") || !q.ticked("check_site") || !q.ticked("check_tools")):
		return "wrong.selfcheck"
	}
	return ""
}
