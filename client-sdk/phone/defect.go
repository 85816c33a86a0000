package phone

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// notYet stands in a defect's text, which may not be empty, until the
// technician has written one. It never passes as a description.
const notYet = "…"

// defectData is one defect with its rule pack.
type defectData struct {
	*jobFile
	Defect   schema.Row
	Text     string
	Drawing  string // as typed after a refusal, else as stored
	Actual   string
	Pack     fieldwork.Pack
	Shots    []shot
	Missing  []fieldwork.Missing
	Warnings []fieldwork.Missing
	Wanted   []fieldwork.Missing // asked for, and left out for a reason (DE-04, DE-06)
	Refused  bool                // the technician tried to submit
	Open     bool
	Diff     string
	Verdict  *verdictView
	Photos   []thumb
	Gallery  bool
}

// defectClass is one tile.
type defectClass struct{ Value, Icon string }

// classIcons are the tiles in the trade's order (DE-01).
func classIcons() []defectClass {
	return []defectClass{
		{fieldwork.DoorColour, "door-colour"}, {fieldwork.DoorWarp, "door-warp"}, {fieldwork.DoorCrack, "door-crack"}, {fieldwork.TopCrack, "top-crack"},
		{fieldwork.TopColour, "top-colour"}, {fieldwork.TopWarp, "top-warp"}, {fieldwork.WrongSize, "size"}, {fieldwork.OtherClass, "dots"},
	}
}

func defectClasses(q *ask) error {
	f, err := q.job()
	if err != nil {
		return err
	}
	if _, err := f.onSite(); err != nil {
		return err
	}
	return q.show(http.StatusOK, "classes", page{Title: q.t("defect.new"), Back: "/job/" + f.Job.ID.String() + "/work",
		Body: map[string]any{"Job": f.Job, "Classes": classIcons()}})
}

// addDefect serves POST /job/{job}/defect: one tap on a class begins a defect.
func addDefect(q *ask) error {
	class, err := q.choice("class", "defect", "class")
	if err != nil || class == "" {
		return no("wrong.form")
	}
	id, err := q.formID()
	if err != nil {
		return err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		number := int64(1)
		for _, d := range f.Defects {
			number = max(number, d.Int("no")+1)
		}
		cols := map[string]any{"job": f.Job.ID, "visit": v.Visit.ID, "no": number, "class": class, "text": notYet, "status": "open"}
		if len(f.Items) == 1 {
			cols["item"] = f.Items[0].ID
		}
		return q.insertOnce(e, "defect", id, cols)
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job")+"/defect/"+id.String(), "")
}

func defectPage(q *ask) error {
	f, defect, err := q.defect()
	if err != nil {
		return err
	}
	return q.showDefect(http.StatusOK, f, q.defectData(f, defect))
}

// defect reads the defect of the address.
func (q *ask) defect() (*jobFile, schema.Row, error) {
	id, err := q.pathID("defect")
	if err != nil {
		return nil, schema.Row{}, err
	}
	f, err := q.job()
	if err != nil {
		return nil, schema.Row{}, err
	}
	d, ok := f.defect(id)
	if !ok {
		return nil, schema.Row{}, gone()
	}
	return f, d, nil
}

func (q *ask) defectData(f *jobFile, defect schema.Row) defectData {
	d := defectData{
		jobFile: f, Defect: defect, Text: strings.TrimPrefix(defect.Text("text"), notYet),
		Drawing: number(defect, "drawing_size"), Actual: number(defect, "actual_size"),
		Pack: fieldwork.PackOf(defect.Text("class")), Open: defect.Text("status") == "open",
		Missing: fieldwork.MissingEvidence(defect, f.Photos), Warnings: fieldwork.Warnings(defect, f.Photos),
		Gallery: q.r.URL.Query().Get("source") == "gallery",
	}
	asked := fieldwork.WantedRoles()
	d.Warnings = slices.DeleteFunc(d.Warnings, func(m fieldwork.Missing) bool { return asked[m.Code] != "" })
	d.Wanted = fieldwork.Wanted(defect, f.Photos, f.Skips)
	if diff, ok := fieldwork.SizeDifference(defect); ok {
		d.Diff = fmt.Sprintf("%+d mm", diff)
	}
	if d.Open {
		d.Shots = q.defectShots(f, defect, d.Pack)
	}
	for _, v := range q.verdicts(f) {
		if v.Defect.ID == defect.ID {
			d.Verdict = &v
		}
	}
	d.Photos = q.thumbs(f.photosOf(defect.ID))
	return d
}

func number(r schema.Row, column string) string {
	if n := r.Int(column); n > 0 {
		return fmt.Sprint(n)
	}
	return ""
}

// defectShots are the pack's roles: required ones first, then the advised, then
// the comparison, which helps always.
func (q *ask) defectShots(f *jobFile, defect schema.Row, pack fieldwork.Pack) []shot {
	back := fmt.Sprintf("/job/%s/defect/%s", f.Job.ID, defect.ID)
	roles := append([]string{}, pack.Roles...)
	for _, role := range append(append([]string{}, pack.Advised...), fieldwork.RoleCompare, fieldwork.RoleScale, fieldwork.RoleFull) {
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	shots := q.shots(f, back, defect.ID, roles...)
	for i := range shots {
		shots[i].Need = slices.Contains(pack.Roles, shots[i].Role) && len(shots[i].Got) == 0
		shots[i].Plane = pack.SamePlane && (len(pack.SamePlaneRoles) == 0 || slices.Contains(pack.SamePlaneRoles, shots[i].Role))
		shots[i].Whole = pack.Whole && (shots[i].Role == fieldwork.RoleFull || shots[i].Role == fieldwork.RoleClose)
	}
	return shots
}

func (q *ask) showDefect(status int, f *jobFile, d defectData) error {
	p := page{Title: q.valueOf("defect", "class", d.Defect.Text("class")), Back: "/job/" + f.Job.ID.String() + "/work", Body: d}
	if f.Visit == nil {
		p.Back = "/job/" + f.Job.ID.String()
	}
	return q.show(status, "defect", p)
}

// typedDefect reads the form's columns. Sizes that are no numbers are left as
// they were and named.
func (q *ask) typedDefect(f *jobFile) (cols map[string]any, wrong bool) {
	cols = map[string]any{}
	if q.has("text") {
		cols["text"] = q.field("text", 2000)
		if cols["text"] == "" {
			cols["text"] = notYet
		}
	}
	for _, name := range []string{"drawing_size", "actual_size"} {
		typed := q.field(name, 20)
		if !q.has(name) || typed == "" {
			continue
		}
		n, err := parseCount(typed, 1, 100_000)
		if err != nil {
			wrong = true
			continue
		}
		cols[name] = n
	}
	if item, err := uuid.Parse(q.field("item", 40)); err == nil {
		for _, known := range f.Items {
			if known.ID == item {
				cols["item"] = item[:]
			}
		}
	}
	return cols, wrong
}

// saveDefect serves POST /job/{job}/defect/{defect}; a script calls it while
// words are typed.
func saveDefect(q *ask) error {
	_, wrong, err := q.storeDefect(false)
	if err != nil {
		return err
	}
	if wrong {
		return no("wrong.size")
	}
	return q.to("/job/"+q.r.PathValue("job")+"/work", "saved")
}

// submitDefect serves POST …/submit: what was typed is kept in any case; what
// is missing is said, and then nothing is submitted (DE-01 to DE-07).
func submitDefect(q *ask) error {
	id, err := q.pathID("defect")
	if err != nil {
		return err
	}
	if err := q.saveWanted(id); err != nil {
		return err
	}
	missing, wrong, err := q.storeDefect(true)
	if err != nil {
		return err
	}
	if len(missing) == 0 && !wrong {
		return q.to("/job/"+q.r.PathValue("job")+"/work", "submitted")
	}
	f, defect, err := q.defect()
	if err != nil {
		return err
	}
	d := q.defectData(f, defect)
	asked := fieldwork.WantedRoles()
	d.Refused, d.Missing = true, slices.DeleteFunc(missing, func(m fieldwork.Missing) bool { return asked[m.Code] != "" })
	if wrong {
		d.Drawing, d.Actual = q.field("drawing_size", 20), q.field("actual_size", 20)
		d.Missing = append([]fieldwork.Missing{{Code: "size", ZH: q.t("wrong.size"), EN: q.t("wrong.size")}}, d.Missing...)
	}
	return q.showDefect(http.StatusUnprocessableEntity, f, d)
}

// storeDefect saves what was typed and, where it is wanted and nothing is
// missing, hands the defect to the judge: one transaction. wrong says that a
// typed size is no number; the rest is saved.
func (q *ask) storeDefect(submit bool) (missing []fieldwork.Missing, wrong bool, err error) {
	id, err := q.pathID("defect")
	if err != nil {
		return nil, false, err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		defect, ok := f.defect(id)
		if !ok {
			return gone()
		}
		if defect.Text("status") != "open" {
			return nil // handed in already: a second tap, or the judge was faster
		}
		var cols map[string]any
		cols, wrong = q.typedDefect(f)
		if submit {
			missing = fieldwork.MissingEvidence(with(defect, cols), f.Photos)
			if missing = append(missing, fieldwork.Wanted(defect, f.Photos, f.Skips)...); len(missing) == 0 && !wrong {
				cols["status"] = "submitted"
			}
		}
		return updateChanged(e, defect, cols)
	})
	return missing, wrong, err
}

// with is a row as it will be after an update.
func with(r schema.Row, cols map[string]any) schema.Row {
	after := r
	after.Cols = maps.Clone(r.Cols)
	maps.Copy(after.Cols, cols)
	return after
}
