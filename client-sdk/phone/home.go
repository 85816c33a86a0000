package phone

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/schema"
)

// homeData is 今天: what to do next, by time.
type homeData struct {
	Groups    []cardGroup
	Wanted    []jobCard // a judge asked for another photo
	Calls     []callDue // "not sure it is fixed": the technician's own call
	Deferred  []jobCard // cause and measure still to be written
	Resign    []jobCard // what the customer signed was changed since (SF-07)
	Questions []jobCard // the office asked something
	Next      string    // the next job after today, in words
	Today     int
}

type cardGroup struct {
	Title string
	Note  string
	Cards []jobCard
}

// jobCard is one work slip in a list.
type jobCard struct {
	ID       uuid.UUID
	Link     string
	Time     string // of the stub: 09:00
	TimeNote string // below it: –10:30, or what the job has become
	Where    string
	Who      string
	Ask      string
	Tone     string // "", here, off, red
	Pills    []pill
	sort     int64
}

// pill is one mark on a slip: a word, a shape and a colour, never a colour alone.
type pill struct{ Tone, Icon, Text string }

// callDue is a call that the technician promised himself (FC-06).
type callDue struct {
	Job   uuid.UUID
	Visit uuid.UUID
	Who   string
	Phone string
	Due   int64
	Late  bool
}

// fixDoubtCall is when the technician rings a customer whose repair he doubts.
const fixDoubtCall = 3 * time.Hour

func home(q *ask) error {
	var data homeData
	err := q.view(func(v *clientsdk.View) error {
		var err error
		data, err = q.loadHome(v)
		return err
	})
	if err != nil {
		return err
	}
	return q.show(http.StatusOK, "home", page{Title: q.t("tab.today"), Tab: "today", Body: data})
}

// jobTables is what lists of jobs read, each table once.
type jobTables struct {
	jobs, contacts, defects, visits, events, closes, records, notes []schema.Row
	mine                                                            map[uuid.UUID]bool
}

func (q *ask) loadJobs(v rows) (jobTables, error) {
	var t jobTables
	var assignments []schema.Row
	for _, part := range []struct {
		table string
		into  *[]schema.Row
	}{
		{"job", &t.jobs}, {"job_contact", &t.contacts}, {"defect", &t.defects}, {"visit", &t.visits},
		{"visit_event", &t.events}, {"visit_close", &t.closes}, {"service_record", &t.records}, {"note", &t.notes}, {"assignment", &assignments},
	} {
		found, err := v.Rows(part.table, clientsdk.Query{})
		if err != nil {
			return t, err
		}
		*part.into = slices.DeleteFunc(found, func(r schema.Row) bool { return r.Deleted })
	}
	t.mine = map[uuid.UUID]bool{}
	for _, a := range assignments {
		if a.Bool("active") && a.UUID("person") == q.me() {
			t.mine[a.UUID("job")] = true
		}
	}
	return t, nil
}

func (t jobTables) contact(job uuid.UUID) schema.Row {
	for _, c := range t.contacts {
		if c.UUID("job") == job {
			return c
		}
	}
	return schema.Row{}
}

func (q *ask) loadHome(v rows) (homeData, error) {
	var d homeData
	t, err := q.loadJobs(v)
	if err != nil {
		return d, err
	}
	days := map[int][]jobCard{}
	for _, job := range t.jobs {
		card := q.card(t, job)
		if t.retakes(job.ID) > 0 {
			w := card
			w.Link, w.Tone = "/job/"+job.ID.String(), "red"
			d.Wanted = append(d.Wanted, w)
		}
		if day, show := q.dayOf(t, job); show {
			days[day] = append(days[day], card)
		}
		if t.question(job.ID) {
			d.Questions = append(d.Questions, card)
		}
	}
	d.Calls = q.callsDue(t)
	d.Deferred = q.deferred(t)
	q.group(&d, days)
	d.Resign, err = q.resign(v, t)
	return d, err
}

// dayOf says under which day a job stands: 0 is today, where all that is under
// way or late stands too. Finished jobs stand on their own page.
func (q *ask) dayOf(t jobTables, job schema.Row) (int, bool) {
	at := cmp.Or(job.Int("slot_from"), job.Int("intake_at"))
	day := q.daysFromToday(at)
	switch job.Text("status") {
	case "departed", "arrived":
		return 0, true
	case "new", "dispatched":
		if job.Int("slot_from") == 0 {
			day = 0
		}
		return max(day, 0), t.mine[job.ID]
	case "cancelled":
		return 0, day == 0 || t.openVisit(job.ID, q.me())
	}
	return 0, false
}

func (t jobTables) openVisit(job, me uuid.UUID) bool {
	for _, v := range t.visits {
		if v.UUID("job") == job && v.UUID("person") == me && !t.closed(v.ID) {
			return true
		}
	}
	return false
}

func (t jobTables) closed(visit uuid.UUID) bool {
	return slices.ContainsFunc(t.closes, func(c schema.Row) bool { return c.UUID("visit") == visit })
}

func (t jobTables) retakes(job uuid.UUID) int {
	n := 0
	for _, d := range t.defects {
		if d.UUID("job") == job && d.Text("status") == "retake" {
			n++
		}
	}
	return n
}

// question says whether the office asked something that has no answer yet.
func (t jobTables) question(job uuid.UUID) bool {
	open := false
	for _, n := range t.notes {
		if n.UUID("job") != job {
			continue
		}
		switch n.Text("kind") {
		case "question":
			open = true
		case "answer":
			open = false
		}
	}
	return open
}

// group puts the days in order, each by time, what is under way first.
func (q *ask) group(d *homeData, days map[int][]jobCard) {
	order := make([]int, 0, len(days))
	for day, cards := range days {
		order = append(order, day)
		slices.SortStableFunc(cards, func(a, b jobCard) int {
			rank := func(c jobCard) int {
				switch c.Tone {
				case "here":
					return 0
				case "off":
					return 2
				}
				return 1
			}
			return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.sort, b.sort))
		})
	}
	slices.Sort(order)
	for _, day := range order {
		cards := days[day]
		if day == 0 {
			d.Today = len(cards)
		} else if d.Next == "" {
			d.Next = q.when(cards[0].sort)
		}
		d.Groups = append(d.Groups, cardGroup{Title: q.day(q.now().AddDate(0, 0, day).UnixMilli()), Note: q.t("home.count", len(cards)), Cards: cards})
	}
}

// callsDue lists the technician's own calls: from the end of a doubtful visit
// until a day after, or until he says that he rang.
func (q *ask) callsDue(t jobTables) []callDue {
	var out []callDue
	now := q.now()
	for _, v := range t.visits {
		if !v.Bool("uncertain_fix") || v.UUID("person") != q.me() {
			continue
		}
		for _, e := range t.events {
			if e.UUID("visit") != v.ID || e.Text("kind") != "leave" {
				continue
			}
			due := time.UnixMilli(e.Int("at")).Add(fixDoubtCall)
			if now.After(due.Add(24*time.Hour)) || t.calledSince(v.UUID("job"), e.Int("at")) {
				continue
			}
			c := t.contact(v.UUID("job"))
			out = append(out, callDue{Job: v.UUID("job"), Visit: v.ID, Who: c.Text("name"), Phone: c.Text("phone"), Due: due.UnixMilli(), Late: !now.Before(due)})
		}
	}
	slices.SortFunc(out, func(a, b callDue) int { return cmp.Compare(a.Due, b.Due) })
	return out
}

// callMark begins the note that says the call was made; it is read again here.
const callMark = "3小时回访"

func (t jobTables) calledSince(job uuid.UUID, since int64) bool {
	return slices.ContainsFunc(t.notes, func(n schema.Row) bool {
		return n.UUID("job") == job && n.Int("at") >= since && len(n.Text("text")) >= len(callMark) && n.Text("text")[:len(callMark)] == callMark
	})
}

// deferred lists the jobs whose cause and measure are still to be written
// (OR-14), after the visit has ended.
func (q *ask) deferred(t jobTables) []jobCard {
	var out []jobCard
	for _, r := range t.records {
		if !r.Bool("deferred") || (r.Text("cause") != "" && r.Text("measure") != "") || !t.closed(r.UUID("visit")) {
			continue
		}
		for _, job := range t.jobs {
			if job.ID == r.Root {
				c := q.card(t, job)
				c.Link += "/work"
				tone := "wait"
				if due := r.Int("deferred_due"); due > 0 && due < q.now().UnixMilli() {
					tone = "bad"
				}
				c.Pills = []pill{{tone, "pen", q.t("home.deferred_due", q.when(r.Int("deferred_due")))}}
				out = append(out, c)
			}
		}
	}
	return out
}
