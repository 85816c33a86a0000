package centre

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/report"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// momentView is one line of the timeline, and its place on the two rulers.
type momentView struct {
	report.Moment
	Title string
	Text  string
	Who   string
	Desk  bool // written at a desk, not on a phone
	// The rulers are drawn 1000 units wide, what the phone says above, when
	// the server knew below.
	X1, X2 int
}

// Lag is how much later the server knew, in milliseconds.
func (m momentView) Lag() int64 { return m.Received - m.Wall }

// tickView is a mark of the rulers' scale.
type tickView struct {
	X      int
	Text   string
	Anchor string // where the text hangs from its mark, so that it stays inside
}

// timelineView is a job's history on two rulers.
type timelineView struct {
	Moments []momentView
	Ticks   []tickView
	Late    int // moments that the server learned of much later
}

// rulerLeft and rulerSpan place the rulers in a drawing 1,000 units wide.
const (
	rulerLeft = 12
	rulerSpan = 976
)

func viewTimeline(t *teller, line report.Timeline, phones map[uuid.UUID]report.Holder) *timelineView {
	v := &timelineView{}
	for _, m := range line.Moments {
		mv := momentView{Moment: m, Who: t.name(m.Actor), X1: rulerLeft + m.Phone*rulerSpan/1000, X2: rulerLeft + m.Server*rulerSpan/1000}
		mv.Title, mv.Text = tellMoment(t, &m)
		_, phone := phones[m.Device]
		mv.Desk = !phone
		if m.Late {
			v.Late++
		}
		v.Moments = append(v.Moments, mv)
	}
	v.Ticks = rulerTicks(line, t.c.Zone())
	return v
}

// tellMoment says what happened in the trade's words.
func tellMoment(t *teller, m *report.Moment) (title, text string) {
	title = t.table(m.Table)
	if m.Count > 1 {
		title = fmt.Sprintf("%s × %d", title, m.Count)
	}
	tab := t.schema.Table(m.Table)
	if tab == nil {
		return title, ""
	}
	if m.Op == changelog.Delete {
		return title, t.c.T("case.op.delete")
	}
	for _, name := range []string{"status", "kind", "role", "class", "outcome", "verdict", "no", "name"} {
		c := tab.Column(name)
		v, ok := m.Cols[name]
		if c == nil || !ok || v == nil || m.Count > 1 {
			continue
		}
		return title, t.value(c, v)
	}
	if m.Op == changelog.Update {
		return title, changed(t, tab, m)
	}
	return title, ""
}

// changed names the columns of an update, the first one with its value.
func changed(t *teller, tab *schema.Table, m *report.Moment) string {
	s := ""
	for i, name := range m.Columns {
		c := tab.Column(name)
		if i > 0 {
			s += " · "
		}
		s += c.Label.In(t.c.Lang)
		if v := t.value(c, m.Cols[name]); len(m.Columns) <= 2 && v != "" {
			s += " → " + short(v)
		}
	}
	return s
}

// rulerTicks marks whole hours, or whole days where the job is longer, about
// eight of them.
func rulerTicks(line report.Timeline, zone *time.Location) []tickView {
	span := line.To - line.From
	if span <= 0 {
		return nil
	}
	step := int64(15 * 60 * 1000)
	layout := "15:04"
	for _, s := range []int64{30, 60, 120, 240, 480, 24 * 60, 2 * 24 * 60, 7 * 24 * 60, 30 * 24 * 60} {
		if span/step <= 8 {
			break
		}
		step = s * 60 * 1000
	}
	if step >= 24*60*60*1000 {
		layout = "01-02"
	} else if span > 24*60*60*1000 {
		layout = "01-02 15:04"
	}
	_, offset := time.UnixMilli(line.From).In(zone).Zone()
	shift := int64(offset) * 1000
	var out []tickView
	for at := (line.From+shift+step-1)/step*step - shift; at <= line.To && len(out) < 20; at += step {
		v := tickView{X: rulerLeft + int((at-line.From)*rulerSpan/span), Text: time.UnixMilli(at).In(zone).Format(layout), Anchor: "middle"}
		if v.X < 40 {
			v.Anchor = "start"
		} else if v.X > 960 {
			v.Anchor = "end"
		}
		out = append(out, v)
	}
	return out
}
