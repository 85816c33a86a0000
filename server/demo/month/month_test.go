package month_test

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"testing"
	"time"

	"siteledger/server/demo/month"
	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

var now = time.Date(2026, 11, 20, 15, 10, 0, 0, month.Zone())

// edits calls fn for every row that somebody writes in the month.
func edits(m *month.Month, fn func(at time.Time, e ledger.Edit)) {
	for _, s := range m.Steps {
		if s.Office != nil {
			for _, e := range s.Office.Edits {
				fn(s.At, e)
			}
		}
		if s.Push != nil {
			for _, r := range s.Push.Records {
				for _, e := range r.Edits {
					fn(r.At, e)
				}
			}
		}
	}
}

// pending says that a value is known only while loading: a hash, a size, a
// receipt's number.
func pending(v any) bool { return v != nil && reflect.TypeOf(v).Kind() == reflect.Struct }

// Every row fits the schema: known columns, values that fit, required ones
// there.
func TestRowsFitTheSchema(t *testing.T) {
	d := schema.MustCurrent()
	edits(month.New(1, now), func(_ time.Time, e ledger.Edit) {
		table := d.Table(e.Table)
		if table == nil {
			t.Fatalf("no table %s", e.Table)
		}
		for name, v := range e.Cols {
			if c := table.Column(name); c == nil {
				t.Errorf("no column %s.%s", e.Table, name)
			} else if !pending(v) && !c.Fits(v) {
				t.Errorf("%s.%s: %v (%T) does not fit", e.Table, name, v, v)
			}
		}
		for _, c := range table.Columns {
			if e.Op == changelog.Insert && c.Required && e.Cols[c.Name] == nil {
				t.Errorf("%s.%s is required", e.Table, c.Name)
			}
		}
	})
}

// The month has the size of an ordinary one.
func TestOrdinaryMonth(t *testing.T) {
	inserts := map[string]int{}
	numbers := map[string]bool{}
	edits(month.New(1, now), func(_ time.Time, e ledger.Edit) {
		if e.Op == changelog.Insert {
			inserts[e.Table]++
		}
		if no, ok := e.Cols["job_no"].(string); ok && e.Table == "job" {
			if numbers[no] {
				t.Errorf("job number %s is given twice", no)
			}
			numbers[no] = true
		}
	})
	for table, want := range map[string][2]int{
		"visit": {280, 292}, "defect": {14, 14}, "receipt": {62, 62}, "remittance": {59, 61}, "inspection": {31, 31}, "complaint": {9, 9}, "waiver": {3, 3},
		"callback": {240, 310}, "photo": {130, 190}, "customer": {680, 720}, "part_used": {40, 40}, "signature": {280, 292},
	} {
		if n := inserts[table]; n < want[0] || n > want[1] {
			t.Errorf("%d rows of %s, want %d to %d", n, table, want[0], want[1])
		}
	}
}

// One open case has a photograph from elsewhere and one a place that was made
// up; all other places are where they should be, and not every photograph has
// one.
func TestPlacesOfAMonth(t *testing.T) {
	places, photos, made, arrivals, addresses := 0, 0, 0, 0, 0
	home := map[any]fieldwork.Place{}
	far := 0
	edits(month.New(1, now), func(_ time.Time, e ledger.Edit) {
		p, ok := fieldwork.PlaceOf(schema.Row{Cols: e.Cols})
		switch {
		case e.Op != changelog.Insert:
		case e.Table == "photo":
			photos++
			if !ok {
				return
			}
			places++
			if p.Mocked {
				made++
			}
			if at, known := home[string(e.Cols["visit"].([]byte))]; known {
				if _, apart := fieldwork.Apart(p, p.Off(p.Fix), at, at.OffArriving(at.Fix)); apart {
					far++
				}
			}
		case ok && e.Table == "visit_event":
			arrivals++
			home[string(e.Cols["visit"].([]byte))] = p
		case ok && e.Table == "job_contact":
			addresses++
		}
	})
	if places < photos/3 || places == photos || made != 1 || far != 1 || arrivals < 100 || addresses < 20 {
		t.Errorf("%d of %d photographs have a place, %d are made up, %d far; %d arrivals, %d addresses", places, photos, made, far, arrivals, addresses)
	}
}

// The same seed and moment give the same month; another seed another one.
func TestSameSeedSameMonth(t *testing.T) {
	d := schema.MustCurrent()
	digest := func(seed uint64) [32]byte {
		h := sha256.New()
		edits(month.New(seed, now), func(at time.Time, e ledger.Edit) {
			fmt.Fprint(h, at.UnixNano(), e.Table, e.Row, e.Op)
			for _, c := range d.Table(e.Table).Columns {
				if v, ok := e.Cols[c.Name]; ok && !pending(v) {
					fmt.Fprint(h, c.Name, v)
				}
			}
		})
		return [32]byte(h.Sum(nil))
	}
	if first, again := digest(1), digest(1); first != again {
		t.Error("the same seed gave two months")
	}
	if digest(1) == digest(2) {
		t.Error("two seeds gave one month")
	}
}

// At whatever hour the demo is started, the steps are in order and past, and
// the two with open jobs have theirs today.
func TestAnyHour(t *testing.T) {
	start := time.Date(2026, 2, 27, 0, 5, 0, 0, month.Zone())
	for h := range 7 * 12 {
		at := start.Add(time.Duration(h) * 2 * time.Hour)
		m := month.New(uint64(h), at)
		last := time.Time{}
		for _, s := range m.Steps {
			if s.At.Before(last) || s.At.After(at) {
				t.Fatalf("started %s: step at %s after %s", at, s.At, last)
			}
			last = s.At
		}
		slots := map[string]time.Time{}
		open := map[string]int{}
		edits(m, func(_ time.Time, e ledger.Edit) {
			if from, ok := e.Cols["slot_from"].(int64); ok && e.Table == "job" {
				slots[e.Row.String()] = time.UnixMilli(from).In(month.Zone())
			}
		})
		edits(m, func(_ time.Time, e ledger.Edit) {
			if e.Table != "assignment" || e.Op != changelog.Insert {
				return
			}
			job, _ := e.Cols["job"].([]byte)
			slot := slots[fmt.Sprintf("%x-%x-%x-%x-%x", job[:4], job[4:6], job[6:8], job[8:10], job[10:])]
			if slot.Format(time.DateOnly) == at.Format(time.DateOnly) {
				open[string(e.Cols["person"].([]byte))]++
			}
		})
		for _, p := range []*month.Person{m.Story, m.Demo} {
			if n := open[string(p.ID[:])]; n < 3 {
				t.Errorf("started %s: %s has %d jobs today", at, p.Name, n)
			}
		}
	}
}
