package month_test

import (
	"reflect"
	"testing"
	"time"

	"siteledger/server/demo/month"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

var now = time.Date(2026, 11, 20, 15, 10, 0, 0, month.Zone())

// Every row of the plan fits the schema: known columns, values that fit,
// required ones there. What is only known while loading is left out.
func TestRowsFitTheSchema(t *testing.T) {
	d := schema.MustCurrent()
	tables := map[string]int{}
	check := func(table string, op changelog.Op, cols map[string]any) {
		tables[table]++
		tab := d.Table(table)
		if tab == nil {
			t.Fatalf("no table %s", table)
		}
		for name, v := range cols {
			c := tab.Column(name)
			if c == nil {
				t.Fatalf("no column %s.%s", table, name)
			}
			if reflect.TypeOf(v) != nil && reflect.TypeOf(v).Kind() == reflect.Struct {
				continue
			}
			if !c.Fits(v) {
				t.Errorf("%s.%s: %v (%T) does not fit", table, name, v, v)
			}
		}
		for _, c := range tab.Columns {
			if op == changelog.Insert && c.Required && cols[c.Name] == nil {
				t.Errorf("%s.%s is required", table, c.Name)
			}
		}
	}
	m := month.New(1, now)
	last := time.Time{}
	for _, s := range m.Steps {
		if s.At.Before(last) || s.At.After(now) {
			t.Fatalf("step at %s after %s", s.At, last)
		}
		last = s.At
		if s.Office != nil {
			for _, e := range s.Office.Edits {
				check(e.Table, e.Op, e.Cols)
			}
		}
		if s.Push != nil {
			for _, r := range s.Push.Records {
				for _, e := range r.Edits {
					check(e.Table, e.Op, e.Cols)
				}
			}
		}
	}
	t.Log(len(m.Steps), "steps", tables)
	all := 0
	for _, n := range tables {
		all += n
	}
	t.Log("rows", all)
}
