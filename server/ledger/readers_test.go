package ledger_test

import (
	"testing"

	"siteledger/syncproto/schema"
)

// TestColumnsOfOtherReaders: a pull and a repair hold no column that the reader's
// role may not see, also of his own row (P7).
func TestColumnsOfOtherReaders(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	w.write(system, update("person", p.dev.Person, 0, map[string]any{"phone": "13811112222"}))
	person := schema.MustCurrent().Table("person")
	closed := 0
	for _, c := range person.Columns {
		if !c.MayRead(schema.Installer) {
			closed++
		}
	}
	repaired, err := p.feed.Repair(t.Context(), p.dev, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := p.pullAll("", 500)
	for _, r := range append(repaired.Rows, rows[p.dev.Person]) {
		if r.Table != "person" {
			continue
		}
		for name, v := range r.Cols {
			if c := person.Column(name); c == nil || !c.MayRead(schema.Installer) {
				t.Errorf("an installer is given person.%s: %v", name, v)
			}
		}
		if len(r.Cols) != len(person.Columns)-closed {
			t.Errorf("%d columns, want %d", len(r.Cols), len(person.Columns)-closed)
		}
	}
	if closed == 0 || rows[p.dev.Person].Table != "person" {
		t.Error("nothing was looked at")
	}
}
