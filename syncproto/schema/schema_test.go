package schema_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"siteledger/syncproto/merge"
	"siteledger/syncproto/schema"
)

// every calls f for each column of the current schema.
func every(d *schema.Descriptor, f func(t *schema.Table, c *schema.Column)) {
	for _, t := range d.Tables {
		for _, c := range t.Columns {
			f(t, c)
		}
	}
}

func TestCurrentParses(t *testing.T) {
	d, err := schema.Version(schema.Current)
	if err != nil {
		t.Fatal(err)
	}
	if d.Version != schema.Current || d.Rules != merge.Rules || len(d.Tables) == 0 {
		t.Errorf("version %d, rules %d, %d tables", d.Version, d.Rules, len(d.Tables))
	}
	if _, err := schema.Version(schema.Current + 1); err == nil {
		t.Error("a version that does not exist was read")
	}
	b, err := schema.JSON(schema.Current)
	if err != nil || !json.Valid(b) {
		t.Errorf("served bytes: %v", err)
	}
	if d.Table("nonsense") != nil || d.Table("job").Column("nonsense") != nil {
		t.Error("found what is not there")
	}
}

func TestEveryLabelIsInBothLanguages(t *testing.T) {
	check := func(where string, l schema.Label) {
		if strings.TrimSpace(l.ZH) == "" || strings.TrimSpace(l.EN) == "" {
			t.Errorf("%s: a label is empty: %+v", where, l)
		}
		if !strings.ContainsFunc(l.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: %q is not Chinese", where, l.ZH)
		}
		if strings.ContainsFunc(l.EN, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: %q is not English", where, l.EN)
		}
		if l.In("en") != l.EN || l.In("zh-CN") != l.ZH || l.In("") != l.ZH {
			t.Errorf("%s: wrong language", where)
		}
	}
	d := schema.MustCurrent()
	for _, tb := range d.Tables {
		check(tb.Name, tb.Label)
	}
	every(d, func(tb *schema.Table, c *schema.Column) {
		where := tb.Name + "." + c.Name
		check(where, c.Label)
		for _, v := range c.Values {
			l, ok := c.ValueLabels[v]
			if !ok {
				t.Errorf("%s: value %s has no label", where, v)
				continue
			}
			check(where+"="+v, l)
			if c.ValueLabel(v, "en") != l.EN || c.ValueLabel(v, "zh-CN") != l.ZH {
				t.Errorf("%s: wrong label of %s", where, v)
			}
		}
		for v := range c.ValueLabels {
			if !slices.Contains(c.Values, v) {
				t.Errorf("%s: a label for %s, which is no value", where, v)
			}
		}
	})
	if got := d.Table("job").Column("status").ValueLabel("nonsense", "en"); got != "nonsense" {
		t.Errorf("unknown value: %q", got)
	}
}

func TestDescriptorHoldsTogether(t *testing.T) {
	d := schema.MustCurrent()
	types := []schema.Type{schema.Bool, schema.Int, schema.Float, schema.Text, schema.Bytes, schema.UUID, schema.Time, schema.Money, schema.Blob}
	rules := []schema.Rule{schema.Fact, schema.Latest, schema.Office, schema.Site, schema.State, schema.Review}
	roots := []schema.RootKind{schema.RootJob, schema.RootPerson, schema.RootCentre, schema.RootOffice, schema.RootHeadquarters}
	for _, tb := range d.Tables {
		if !slices.Contains(rules, tb.Rule) || tb.Rule == schema.State || !slices.Contains(roots, tb.Root) || len(tb.Writers) == 0 {
			t.Errorf("%s: rule %s, root %s, writers %v", tb.Name, tb.Rule, tb.Root, tb.Writers)
		}
		if tb.Root == schema.RootJob && tb.Parent == "" && tb.Name != "job" {
			t.Errorf("%s: hangs from a job and has no parent", tb.Name)
		}
		if tb.Parent != "" && !tb.Column(tb.ParentColumn).Required {
			t.Errorf("%s: a row may be without its parent", tb.Name)
		}
		if tb.Rule == schema.Fact && tb.Delete {
			t.Errorf("%s: a fact can be deleted", tb.Name)
		}
		roles(t, d, tb.Name, tb.Writers)
	}
	every(d, func(tb *schema.Table, c *schema.Column) {
		where := tb.Name + "." + c.Name
		if !slices.Contains(types, c.Type) {
			t.Errorf("%s: type %s", where, c.Type)
		}
		roles(t, d, where, c.Writers)
		roles(t, d, where, c.Readers)
		if c.Ref != "" && (d.Table(c.Ref) == nil || c.Type != schema.UUID) {
			t.Errorf("%s: refers to %s", where, c.Ref)
		}
		if len(c.Values) > 0 && c.Type != schema.Text {
			t.Errorf("%s: values of a %s", where, c.Type)
		}
		if c.Type == schema.Text && len(c.Values) == 0 && c.Max == 0 {
			t.Errorf("%s: a text without a bound", where)
		}
		if c.Type == schema.Money && (c.Currency == "" || tb.Column(c.Currency) == nil || tb.Column(c.Currency).Type != schema.Text) {
			t.Errorf("%s: money without a currency column", where)
		}
		if c.Type == schema.Blob && tb.Root == schema.RootJob && c.Purpose == "" {
			t.Errorf("%s: a blob without a purpose", where)
		}
	})
}

func roles(t *testing.T, d *schema.Descriptor, where string, list []schema.Role) {
	t.Helper()
	for _, r := range list {
		if !slices.Contains(d.Roles, r) {
			t.Errorf("%s: role %s is not declared", where, r)
		}
	}
}

// A column's writers never include somebody who may not touch the table.
func TestColumnWritersMayTouchTheTable(t *testing.T) {
	every(schema.MustCurrent(), func(tb *schema.Table, c *schema.Column) {
		for _, r := range c.Writers {
			if !tb.MayTouch(r) {
				t.Errorf("%s.%s: %s may write the column, not the table", tb.Name, c.Name, r)
			}
		}
	})
}

func TestTransitions(t *testing.T) {
	d := schema.MustCurrent()
	states := 0
	every(d, func(tb *schema.Table, c *schema.Column) {
		where := tb.Name + "." + c.Name
		if (tb.RuleOf(c) == schema.State) != (len(c.Transitions) > 0) {
			t.Errorf("%s: rule %s with %d transitions", where, tb.RuleOf(c), len(c.Transitions))
		}
		if len(c.Transitions) == 0 {
			return
		}
		states++
		seen := map[string]bool{}
		for _, step := range c.Transitions {
			if !slices.Contains(c.Values, step.From) || !slices.Contains(c.Values, step.To) || step.From == step.To || len(step.Writers) == 0 {
				t.Errorf("%s: step %+v", where, step)
			}
			if seen[step.From+">"+step.To] {
				t.Errorf("%s: step %s to %s is there twice", where, step.From, step.To)
			}
			seen[step.From+">"+step.To] = true
			roles(t, d, where, step.Writers)
			for _, r := range step.Writers {
				if !tb.MayWrite(c, r) {
					t.Errorf("%s: %s may take a step but not write the column", where, r)
				}
			}
		}
		for _, v := range c.Values[1:] {
			if !slices.ContainsFunc(c.Transitions, func(s schema.Transition) bool { return s.To == v }) {
				t.Errorf("%s: nobody can reach %s", where, v)
			}
		}
	})
	if states == 0 {
		t.Error("no state column found")
	}
}

func TestStep(t *testing.T) {
	status := schema.MustCurrent().Table("defect").Column("status")
	for _, tc := range []struct {
		from, to     string
		role         schema.Role
		allowed, may bool
	}{
		{"open", "submitted", schema.Installer, true, true},
		{"open", "submitted", schema.Adjudicator, true, false},
		{"open", "submitted", schema.Server, true, true},
		{"submitted", "open", schema.Installer, false, false},
		{"open", "judged", schema.Server, false, false},
	} {
		if allowed, may := status.Step(tc.from, tc.to, tc.role); allowed != tc.allowed || may != tc.may {
			t.Errorf("%+v: got %v, %v", tc, allowed, may)
		}
	}
}

func TestWhoMayWriteAndRead(t *testing.T) {
	d := schema.MustCurrent()
	job, person := d.Table("job"), d.Table("person")
	for _, tc := range []struct {
		name string
		got  bool
		want bool
	}{
		{"installer touches jobs", job.MayTouch(schema.Installer), true},
		{"adjudicator touches jobs", job.MayTouch(schema.Adjudicator), false},
		{"server touches all", person.MayTouch(schema.Server), true},
		{"installer writes a column without own writers", job.MayWrite(job.Column("product"), schema.Installer), true},
		{"installer writes complete", job.MayWrite(job.Column("complete"), schema.Installer), false},
		{"server writes complete", job.MayWrite(job.Column("complete"), schema.Server), true},
		{"supervisor writes a role", person.MayWrite(person.Column("role"), schema.Supervisor), false},
		{"installer reads a sign-in name", person.Column("login").MayRead(schema.Installer), false},
		{"clerk reads a sign-in name", person.Column("login").MayRead(schema.Clerk), true},
		{"installer reads a name", person.Column("name").MayRead(schema.Installer), true},
		{"server reads all", person.Column("login").MayRead(schema.Server), true},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v", tc.name, tc.got)
		}
	}
}

func TestRuleOf(t *testing.T) {
	d := schema.MustCurrent()
	for _, tc := range []struct {
		table, column string
		want          schema.Rule
	}{
		{"visit", "outcome", schema.Site}, {"visit", "note", schema.Latest}, {"job", "status", schema.State}, {"job", "slot_from", schema.Office}, {"photo", "note", schema.Fact},
	} {
		if got := d.Table(tc.table).RuleOf(d.Table(tc.table).Column(tc.column)); got != tc.want {
			t.Errorf("%s.%s: %s, want %s", tc.table, tc.column, got, tc.want)
		}
	}
	fact := &schema.Table{Rule: schema.Fact}
	if got := fact.RuleOf(&schema.Column{Rule: schema.Latest}); got != schema.Fact {
		t.Errorf("a column of a fact table: %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"no JSON":              `{`,
		"table twice":          `{"tables":[{"name":"a","root":"job"},{"name":"a","root":"job"}]}`,
		"column twice":         `{"tables":[{"name":"a","columns":[{"name":"x"},{"name":"x"}]}]}`,
		"unknown parent":       `{"tables":[{"name":"a","parent":"b","parent_column":"x","columns":[{"name":"x","type":"uuid"}]}]}`,
		"no parent column":     `{"tables":[{"name":"b"},{"name":"a","parent":"b","parent_column":"x"}]}`,
		"parent column no id":  `{"tables":[{"name":"b"},{"name":"a","parent":"b","parent_column":"x","columns":[{"name":"x","type":"text"}]}]}`,
		"parent of other root": `{"tables":[{"name":"b","root":"office"},{"name":"a","root":"job","parent":"b","parent_column":"x","columns":[{"name":"x","type":"uuid"}]}]}`,
	} {
		if _, err := schema.Parse([]byte(in)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
