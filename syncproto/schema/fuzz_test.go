package schema_test

import (
	"encoding/json"
	"testing"

	"siteledger/syncproto/mutate"
	"siteledger/syncproto/schema"
)

// tiny is a descriptor that is sound and small: most damage hits something.
func tiny(tb testing.TB) [][]byte {
	tb.Helper()
	whole, err := schema.JSON(1)
	if err != nil {
		tb.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(whole, &d); err != nil {
		tb.Fatal(err)
	}
	tables, _ := d["tables"].([]any)
	var out [][]byte
	for _, few := range [][]any{tables[:1], tables[:4]} {
		d["tables"] = few
		b, err := json.Marshal(d)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return append(out, []byte(`{"version":2,"rules":1,"roles":["installer"],"tables":[{"name":"job","label":{"zh-CN":"工单","en":"Job"},"root":"job","rule":"office","writers":["clerk"],"columns":[]}]}`))
}

// parses: a descriptor from elsewhere is refused or sound, and can be asked
// about any table and column.
func parses(t testing.TB, b []byte) bool {
	d, err := schema.Parse(b)
	if err != nil {
		return false
	}
	for _, table := range d.Tables {
		if d.Table(table.Name) != table {
			t.Fatalf("table %q is not found by its name", table.Name)
		}
		for _, c := range table.Columns {
			if table.Column(c.Name) != c {
				t.Fatalf("column %s.%s is not found by its name", table.Name, c.Name)
			}
			c.MayRead(schema.Installer)
		}
	}
	return true
}

func FuzzParse(f *testing.F) {
	for _, b := range tiny(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { parses(t, b) })
}

func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzParse", 12_000, tiny(t), parses)
}
