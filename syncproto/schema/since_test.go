package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"siteledger/syncproto/schema"
)

// versions are all released versions, oldest first.
func versions(t *testing.T) []*schema.Descriptor {
	t.Helper()
	var out []*schema.Descriptor
	for n := 1; n <= schema.Current; n++ {
		d, err := schema.Version(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// TestEveryVersionFollowsTheOneBefore is promise P9's first half: nothing that
// an old app knows is ever taken away.
func TestEveryVersionFollowsTheOneBefore(t *testing.T) {
	all := versions(t)
	for i, d := range all {
		if d.Version != i+1 {
			t.Errorf("version %d stands in place %d", d.Version, i+1)
		}
		if i == 0 {
			continue
		}
		if err := schema.Successor(all[i-1], d); err != nil {
			t.Errorf("version %d: %v", d.Version, err)
		}
	}
}

// TestAnEarlierReaderSeesTheEarlierVersion cuts the newest version down to what
// readers of each earlier one know, which must be that version's tables,
// columns and values.
func TestAnEarlierReaderSeesTheEarlierVersion(t *testing.T) {
	shape := func(d *schema.Descriptor, n int) map[string][]string {
		out := map[string][]string{}
		for _, tb := range d.Tables {
			if !tb.KnownAt(n) {
				continue
			}
			out[tb.Name] = []string{string(tb.Rule)}
			for _, c := range tb.Columns {
				if !c.KnownAt(n) {
					continue
				}
				line := c.Name + " " + string(c.Type)
				if c.RequiredAt(n) {
					line += " required"
				}
				for _, v := range c.Values {
					if c.ValueAt(v, n) == v {
						line += " " + v
					}
				}
				out[tb.Name] = append(out[tb.Name], line)
			}
		}
		return out
	}
	newest := schema.MustCurrent()
	for _, d := range versions(t) {
		if got, want := shape(newest, d.Version), shape(d, d.Version); !reflect.DeepEqual(got, want) {
			for name := range want {
				if !reflect.DeepEqual(got[name], want[name]) {
					t.Errorf("version %d: %s is\n%v\nwant\n%v", d.Version, name, got[name], want[name])
				}
			}
		}
	}
}

func TestValueAt(t *testing.T) {
	remedy := schema.MustCurrent().Table("adjudication").Column("remedy")
	c := &schema.Column{Values: []string{"a", "b", "c", "d"}, LaterValues: map[string]schema.LaterValue{"b": {Since: 2}, "c": {Since: 2, Instead: "a"}, "d": {Since: 3, Instead: "c"}}}
	for _, tc := range []struct {
		c    *schema.Column
		v    schema.Value
		n    int
		want schema.Value
	}{
		{remedy, "gift", 2, "gift"}, {remedy, "gift", 1, "discount"}, {remedy, "remake", 1, "remake"}, {remedy, nil, 1, nil},
		{c, "a", 1, "a"}, {c, "b", 1, nil}, {c, "b", 2, "b"}, {c, "d", 3, "d"}, {c, "d", 2, "c"}, {c, "d", 1, "a"},
	} {
		if got := tc.c.ValueAt(tc.v, tc.n); got != tc.want {
			t.Errorf("%v for a reader of version %d: %v, want %v", tc.v, tc.n, got, tc.want)
		}
	}
}

// TestSuccessorRefuses takes one thing away, or adds one without saying so, and
// names why that is no next version.
func TestSuccessorRefuses(t *testing.T) {
	old, err := schema.Version(2)
	if err != nil {
		t.Fatal(err)
	}
	col := func(d *schema.Descriptor, table, column string) *schema.Column { return d.Table(table).Column(column) }
	one := int64(1)
	for name, tc := range map[string]struct {
		change func(d *schema.Descriptor)
		want   string
	}{
		"nothing":               {func(*schema.Descriptor) {}, ""},
		"version left out":      {func(d *schema.Descriptor) { d.Version = 4 }, "does not follow"},
		"older rules":           {func(d *schema.Descriptor) { d.Rules = 1 }, "older"},
		"role gone":             {func(d *schema.Descriptor) { d.Roles = d.Roles[1:] }, "role"},
		"type changed":          {func(d *schema.Descriptor) { col(d, "photo", "blur").Type = schema.Text }, "type"},
		"rule changed":          {func(d *schema.Descriptor) { col(d, "visit", "note").Rule = schema.Site }, "rule"},
		"table's rule changed":  {func(d *schema.Descriptor) { d.Table("photo").Rule = schema.Latest }, "rule"},
		"required":              {func(d *schema.Descriptor) { col(d, "photo", "blur").Required = true }, "required"},
		"narrower":              {func(d *schema.Descriptor) { col(d, "photo", "blur").Max = 10 }, "less"},
		"begins higher":         {func(d *schema.Descriptor) { col(d, "photo", "blur").Min = &one }, "higher"},
		"writer gone":           {func(d *schema.Descriptor) { d.Table("photo").Writers = []schema.Role{schema.Server} }, "writer"},
		"all may write no more": {func(d *schema.Descriptor) { col(d, "photo", "blur").Writers = []schema.Role{schema.Server} }, "writer"},
		"reader gone":           {func(d *schema.Descriptor) { col(d, "photo", "blur").Readers = []schema.Role{schema.Server} }, "reader"},
		"value gone":            {func(d *schema.Descriptor) { c := col(d, "photo", "source"); c.Values = c.Values[1:] }, "value"},
		"step gone":             {func(d *schema.Descriptor) { c := col(d, "job", "status"); c.Transitions = c.Transitions[1:] }, "step"},
		"column gone":           {func(d *schema.Descriptor) { tb := d.Table("photo"); tb.Columns = tb.Columns[:3] }, "lost a column"},
		"columns moved":         {func(d *schema.Descriptor) { c := d.Table("photo").Columns; c[3], c[4] = c[4], c[3] }, "stands in its place"},
		"other parent":          {func(d *schema.Descriptor) { d.Table("photo").Parent = "visit" }, "elsewhere"},
		"silent column": {func(d *schema.Descriptor) {
			tb := d.Table("photo")
			tb.Columns = append(tb.Columns, &schema.Column{Name: "x", Type: schema.Int})
		}, "came with 0"},
		"silent table": {func(d *schema.Descriptor) { d.Tables = append(d.Tables, &schema.Table{Name: "x"}) }, "came with 0"},
		"silent value": {func(d *schema.Descriptor) { c := col(d, "photo", "source"); c.Values = append(c.Values, "scan") }, "came with 0"},
		"value without a stand-in": {func(d *schema.Descriptor) {
			c := col(d, "adjudication", "verdict")
			c.Values, c.LaterValues = append(c.Values, "split"), map[string]schema.LaterValue{"split": {Since: 3}}
		}, "never empty"},
		"a stand-in that is new too": {func(d *schema.Descriptor) {
			c := col(d, "photo", "source")
			c.Values, c.LaterValues = append(c.Values, "scan", "fax"), map[string]schema.LaterValue{"scan": {Since: 3, Instead: "fax"}, "fax": {Since: 3}}
		}, "no earlier value"},
		"stand-in changed": {func(d *schema.Descriptor) {
			col(d, "adjudication", "remedy").LaterValues = map[string]schema.LaterValue{"gift": {Since: 2, Instead: "none"}}
		}, "changed what stands"},
	} {
		b, err := schema.JSON(2)
		if err != nil {
			t.Fatal(err)
		}
		next, err := schema.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		next.Version = 3
		tc.change(next)
		raw, err := json.Marshal(next)
		if err != nil {
			t.Fatal(err)
		}
		if next, err = schema.Parse(raw); err != nil {
			t.Logf("%s: %v", name, err)
			continue // does not even hold together
		}
		err = schema.Successor(old, next)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: %v, want it to say %q", name, err, tc.want)
		}
	}
}
