package phone

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/schema"
)

// noticesData lists what became of the technician's own work where it was not
// simply taken over, in words.
type noticesData struct {
	Notices []noticeItem
	Open    []openItem // rows that a person at the centre looks at now
}

type noticeItem struct {
	ID          int64
	At          int64
	Title, Text string
	Where       string
	Link        string
	Tone, Icon  string
	Seen        bool
	Asks        bool   // wants an answer that is not there yet
	Answer      string // what was answered
}

type openItem struct {
	Title, Where, Link string
	Held               bool
}

func noticesPage(q *ask) error {
	found, err := q.app.client.Notices(q.r.Context())
	if err != nil {
		return fmt.Errorf("notices: %w", err)
	}
	var d noticesData
	st, err := q.app.client.Status(q.r.Context())
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	err = q.view(func(v *clientsdk.View) error {
		t, err := q.loadJobs(v)
		if err != nil {
			return err
		}
		for _, n := range found {
			item, err := q.notice(v, t, n)
			if err != nil {
				return err
			}
			d.Notices = append(d.Notices, item)
		}
		d.Open, err = q.openItems(v, t)
		if n := len(q.loose(st.Uploads)); n > 0 {
			d.Open = append(d.Open, openItem{Title: q.t("loose.title", n), Where: q.t("loose.sub"), Link: "/uploads"})
		}
		return err
	})
	if err != nil {
		return err
	}
	return q.show(http.StatusOK, "notices", page{Title: q.t("notices.title"), Back: "/me", Body: d})
}

// notice words one notice: what it is about, what happened, what is safe.
func (q *ask) notice(v *clientsdk.View, t jobTables, n clientsdk.Notice) (noticeItem, error) {
	item := noticeItem{ID: n.ID, At: n.At.UnixMilli(), Seen: n.Seen, Tone: "info", Icon: "bell", Text: n.Text}
	what := q.app.label(q.lang, n.Table, "")
	key := "notice." + n.Kind
	if _, ok := q.dict[key]; !ok {
		key = "notice.other"
	}
	item.Title = q.t(key, what)
	if item.Text == "" {
		item.Text = q.reason(n.Reason)
	}
	switch n.Kind {
	case "denied", "refused":
		item.Tone, item.Icon = "bad", "x"
	case "conflict", "held":
		item.Tone, item.Icon = "wait", "warn"
	case "decided", "merged":
		item.Tone, item.Icon = "ok", "check"
	}
	if n.Table == "" || n.Row == uuid.Nil {
		return item, nil
	}
	if n.Kind == clientsdk.NoticeQuestion {
		var err error
		item.Answer, err = v.Answered(n.Row)
		item.Asks, item.Tone, item.Icon = item.Answer == "", "info", "speech"
		return item, err
	}
	row, ok, err := v.Row(n.Table, n.Row)
	if err != nil {
		// A table of a newer schema: the notice is shown without its job.
		return item, nil //nolint:nilerr // what it is about can't be looked up; the notice itself is whole
	}
	if ok {
		item.Where, item.Link = q.whereOf(t, row)
	}
	return item, nil
}

// reason words a code of the wire; a code without words says nothing.
func (q *ask) reason(code string) string {
	if s, ok := q.dict["reason."+code]; ok {
		return s
	}
	return ""
}

func (q *ask) whereOf(t jobTables, row schema.Row) (where, link string) {
	c := t.contact(row.Root)
	if c.ID == uuid.Nil {
		return "", ""
	}
	return cmp.Or(c.Text("community"), c.Text("address")) + " · " + c.Text("name"), "/job/" + row.Root.String()
}

// openItems are the rows of which a value is being looked at by the office.
func (q *ask) openItems(v *clientsdk.View, t jobTables) ([]openItem, error) {
	var out []openItem
	for _, table := range q.app.schema.Tables {
		if table.Root != schema.RootJob {
			continue
		}
		found, err := v.Rows(table.Name, clientsdk.Query{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table.Name, err)
		}
		for _, r := range found {
			m, err := v.Marks(table.Name, r.ID)
			if err != nil {
				return nil, fmt.Errorf("marks of %s: %w", table.Name, err)
			}
			if !m.Held && !m.Conflict {
				continue
			}
			key := "notice.conflict"
			if m.Held {
				key = "notice.held"
			}
			item := openItem{Title: q.t(key, table.Label.In(q.lang)), Held: m.Held}
			item.Where, item.Link = q.whereOf(t, r)
			out = append(out, item)
		}
	}
	return out, nil
}

// answerNotice serves POST /notices/{id}/answer: to a question of the office
// about something that belongs to no job.
func answerNotice(q *ask) error {
	id, err := strconv.ParseInt(q.r.PathValue("id"), 10, 64)
	if err != nil {
		return gone()
	}
	found, err := q.app.client.Notices(q.r.Context())
	if err != nil {
		return fmt.Errorf("notices: %w", err)
	}
	at := slices.IndexFunc(found, func(n clientsdk.Notice) bool { return n.ID == id && n.Kind == clientsdk.NoticeQuestion })
	if at < 0 {
		return gone()
	}
	text := q.field("text", maxAnswer)
	if text == "" {
		return no("wrong.empty")
	}
	if err := q.app.client.Answer(context.WithoutCancel(q.r.Context()), found[at].Row, text); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if err := q.app.client.Seen(q.r.Context(), id); err != nil {
		return fmt.Errorf("notice seen: %w", err)
	}
	return q.to("/notices", "answered")
}

// maxAnswer is the most that an answer holds, in bytes.
const maxAnswer = 4000

// noticeSeen serves POST /notices/{id}/seen.
func noticeSeen(q *ask) error {
	id, err := strconv.ParseInt(q.r.PathValue("id"), 10, 64)
	if err != nil {
		return gone()
	}
	if err := q.app.client.Seen(q.r.Context(), id); err != nil {
		return fmt.Errorf("notice seen: %w", err)
	}
	return q.to("/notices", "")
}
