package phone

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// jobData is the job page: the slip's front and the order of work.
type jobData struct {
	*jobFile
	Card      jobCard
	Until     string // end of the slot
	Day       string // of the slot, short
	Steps     []step
	Now       int
	Scripts   map[string]script
	Shots     []listedShot // what to photograph on arrival and while working (DE-09)
	Question  schema.Row
	Doubt     string // why the office looks at something of this job
	Quiet     string // the slot falls into the community's quiet hours (JL-13)
	Verdicts  []verdictView
	Wanted    []schema.Row
	Cancelled bool
	May       bool // this person may work on it
	AskPlace  bool // he was not asked yet whether photos get a position
	Late      []int
}

// script is one of the trade's standard phrases (OR-02).
type script struct{ Text, Version string }

func jobPage(q *ask) error {
	f, err := q.job()
	if err != nil {
		return err
	}
	return q.showJob(http.StatusOK, f, "")
}

// job reads the job of the address.
func (q *ask) job() (*jobFile, error) {
	id, err := q.pathID("job")
	if err != nil {
		return nil, err
	}
	var f *jobFile
	err = q.view(func(v *clientsdk.View) error {
		f, err = loadJob(v, id, q.me())
		return err
	})
	return f, err
}

func (q *ask) showJob(status int, f *jobFile, wrong string) error {
	d := jobData{jobFile: f, Steps: q.steps(f), Wanted: f.wanted(), Late: []int{15, 30, 60}}
	d.Now = current(d.Steps)
	if to := f.Job.Int("slot_to"); to > 0 {
		d.Until = "–" + q.hm(to)
	}
	if from := f.Job.Int("slot_from"); from > 0 {
		d.Day = q.stubDay(from)
		if q.daysFromToday(from) == 0 {
			d.Day = q.t("day.today")
		}
	}
	d.Cancelled = f.Job.Text("status") == "cancelled"
	d.May = f.Mine || f.Visit != nil
	d.AskPlace = f.Visit != nil && q.app.placesAnswer() == ""
	d.Question = openQuestion(f.Notes)
	d.Quiet = q.quietHours(f)
	d.Verdicts = q.verdicts(f)
	err := q.view(func(v *clientsdk.View) error {
		t, err := q.loadJobs(v)
		if err != nil {
			return err
		}
		d.Card = q.card(t, f.Job)
		if d.Scripts, err = q.scripts(v, f); err != nil {
			return err
		}
		d.Doubt, err = q.doubt(v, f)
		return err
	})
	if err != nil {
		return err
	}
	d.Shots = q.shotList(f, "/job/"+f.Job.ID.String(), fieldwork.AtArrival, fieldwork.AtWork)
	return q.show(status, "job", page{Title: cmp.Or(f.Job.Text("job_no"), q.app.label(q.lang, "job", "")), Back: "/", Wrong: wrong, Body: d})
}

// scripts are the newest phrases of each step, with the names and the time of
// this job in their places.
func (q *ask) scripts(v rows, f *jobFile) (map[string]script, error) {
	found, err := v.Rows("script", clientsdk.Query{})
	if err != nil {
		return nil, err
	}
	me, _, err := v.Row("person", q.me())
	if err != nil {
		return nil, err
	}
	fill := q.places(f, me.Text("name"))
	out := map[string]script{}
	for _, r := range found {
		text := r.Text("text")
		if q.lang == langEN && r.Text("text_en") != "" {
			text = r.Text("text_en")
		}
		if old, ok := out[r.Text("step")]; !ok || old.Version <= r.Text("version") {
			out[r.Text("step")] = script{fill.Replace(text), r.Text("version")}
		}
	}
	return out, nil
}

// places fills what a phrase leaves open. A place that it does not know stays
// as it is.
func (q *ask) places(f *jobFile, me string) *strings.Replacer {
	surname := me
	if r := []rune(me); len(r) > 0 {
		surname = string(r[:1])
	}
	at := q.when(f.Job.Int("slot_from"))
	return strings.NewReplacer("{姓}", surname, "{姓名}", me, "{name}", me, "{时间}", at, "{time}", at,
		"{顾客}", f.Contact.Text("name"), "{customer}", f.Contact.Text("name"))
}

// doubt says in words that a value of this job is being looked at.
func (q *ask) doubt(v *clientsdk.View, f *jobFile) (string, error) {
	if f.Contact.ID != uuid.Nil {
		m, err := v.Marks("job_contact", f.Contact.ID)
		if err != nil {
			return "", err
		}
		if m.Conflict || m.Held {
			return q.t("doubt.contact"), nil
		}
	}
	m, err := v.Marks("job", f.Job.ID)
	if err != nil {
		return "", err
	}
	if m.Held || m.Conflict {
		return q.t("doubt.job"), nil
	}
	return "", nil
}

// openQuestion is the office's last question without an answer.
func openQuestion(notes []schema.Row) schema.Row {
	var open schema.Row
	for _, n := range notes {
		switch n.Text("kind") {
		case "question":
			open = n
		case "answer":
			open = schema.Row{}
		}
	}
	return open
}

// quietHours warns where the appointment falls into the community's quiet
// hours (JL-13).
func (q *ask) quietHours(f *jobFile) string {
	from, to := f.Contact.Int("quiet_from"), f.Contact.Int("quiet_to")
	slot := f.Job.Int("slot_from")
	if from >= to || slot == 0 {
		return ""
	}
	minute := func(ms int64) int64 { t := q.at(ms); return int64(t.Hour()*60 + t.Minute()) }
	end := minute(cmp.Or(f.Job.Int("slot_to"), slot))
	if minute(slot) >= to || end <= from {
		return ""
	}
	return q.t("job.quiet", q.minute(from), q.minute(to))
}

// verdictView is what a judge said about one defect.
type verdictView struct {
	Defect  schema.Row
	Verdict schema.Row
	Shares  []schema.Row
	Return  *schema.Row
}

// verdicts are the last judgement of each defect of the job.
func (q *ask) verdicts(f *jobFile) []verdictView {
	var out []verdictView
	for _, d := range f.Defects {
		v, ok := f.verdict(d.ID)
		if !ok {
			continue
		}
		view := verdictView{Defect: d, Verdict: v}
		for _, s := range f.Shares {
			if s.UUID("adjudication") == v.ID {
				view.Shares = append(view.Shares, s)
			}
		}
		for i := range slices.Backward(f.Shipments) {
			if f.Shipments[i].UUID("defect") == d.ID {
				view.Return = &f.Shipments[i]
				break
			}
		}
		out = append(out, view)
	}
	return out
}
