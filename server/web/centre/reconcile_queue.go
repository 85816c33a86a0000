package centre

import (
	"net/url"
	"strconv"

	"siteledger/server/report"
)

// queueRow is one row of the left-hand queue.
type queueRow struct {
	report.Item
	At    string // what ?at= names
	Link  string
	Title string
	Here  bool
	Taken string // who else has it open
}

// queueTab is one filter with its number key and how many wait there.
type queueTab struct {
	Key   int // 0 shows all
	Link  string
	Count int
	Here  bool
}

// queueFilters are the filters in the order of their keys.
const queueFilters = 9

// at names an item in the address: its kind and id.
func at(it *report.Item) string {
	switch it.Kind {
	case "evidence", "card", "slip", "waiver":
		return it.Kind + "." + it.ID.String()
	}
	return "case." + it.ID.String()
}

// queueLink is the address of an item under a filter.
func queueLink(filter int, at string) string {
	q := url.Values{}
	if filter > 0 {
		q.Set("f", strconv.Itoa(filter))
	}
	if at != "" {
		q.Set("at", at)
	}
	if len(q) == 0 {
		return "/centre/reconcile"
	}
	return "/centre/reconcile?" + q.Encode()
}

// title is what a queue row is about, in words.
func (r *Reconciliation) title(t *teller, it *report.Item) string {
	switch it.Kind {
	case "evidence":
		return t.c.T("queue.evidence", it.Count)
	case "card", "slip", "waiver":
		return t.c.T("queue." + it.Kind)
	}
	if it.Column != "" {
		return t.label(it.Table, it.Column)
	}
	if it.Table != "" {
		return t.table(it.Table)
	}
	return t.c.T("queue.kind." + it.Kind)
}

// lay makes rows and filters of a queue. here is the open item; the filter
// keeps only its own.
func (r *Reconciliation) lay(t *teller, items []report.Item, filter int, here string) (rows []queueRow, tabs []queueTab) {
	var counts [queueFilters + 1]int
	for i := range items {
		it := &items[i]
		counts[0]++
		counts[it.Filter]++
		if filter != 0 && it.Filter != filter {
			continue
		}
		a := at(it)
		rows = append(rows, queueRow{Item: *it, At: a, Link: queueLink(filter, a), Title: r.title(t, it), Here: a == here})
	}
	for n := 0; n <= queueFilters; n++ {
		tabs = append(tabs, queueTab{Key: n, Link: queueLink(n, ""), Count: counts[n], Here: n == filter})
	}
	return rows, tabs
}

// around finds the rows before and behind the open one. Where it has left the
// queue, next is the first.
func around(rows []queueRow, here string) (place int, prev, next *queueRow) {
	for i := range rows {
		if rows[i].At != here {
			continue
		}
		if i > 0 {
			prev = &rows[i-1]
		}
		if i+1 < len(rows) {
			next = &rows[i+1]
		}
		return i + 1, prev, next
	}
	if len(rows) > 0 {
		next = &rows[0]
	}
	return 0, nil, next
}
