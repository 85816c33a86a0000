// Package schema describes the tables that travel: their columns and types,
// who may write and read what, which merge rule holds, and how rows hang
// together. One descriptor, served at /v1/schema, is the source for both ends:
// the phone's tables, the server's state tables, the checks of a change and
// the labels on every screen.
//
// A descriptor is data and never changes once released: a new version is a new
// file in versions/. The package holds no state and reads no clock.
package schema

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed versions/*.json
var versions embed.FS

// Current is the newest version in this build.
const Current = 5

// Type is the type of a column.
type Type string

// The column types. Time is Unix milliseconds, money the smallest unit (fen).
const (
	Bool  Type = "bool"
	Int   Type = "int"
	Float Type = "float"
	Text  Type = "text"
	Bytes Type = "bytes"
	UUID  Type = "uuid"
	Time  Type = "time"
	Money Type = "money"
	Blob  Type = "blob"
)

// Rule says what happens when two people write the same column.
type Rule string

// The merge rules (PROTOCOL.md, section 5).
const (
	Fact   Rule = "fact"
	Latest Rule = "latest"
	Office Rule = "office"
	Site   Rule = "site"
	State  Rule = "state"
	Review Rule = "review"
)

// RootKind is what a table's rows hang from.
type RootKind string

// The kinds of roots. Office rows reach no phone.
const (
	RootJob          RootKind = "job"
	RootPerson       RootKind = "person"
	RootCentre       RootKind = "centre"
	RootOffice       RootKind = "office"
	RootHeadquarters RootKind = "headquarters"
)

// Role is what a person may be; Server writes what only the server knows.
type Role string

// The roles. The trade's positions map onto them as data.
const (
	Installer   Role = "installer"
	Clerk       Role = "clerk"
	Supervisor  Role = "supervisor"
	Adjudicator Role = "adjudicator"
	Admin       Role = "admin"
	Server      Role = "server"
)

// Label is a text in the two languages.
type Label struct {
	ZH string `json:"zh-CN"`
	EN string `json:"en"`
}

// In gives the text in a language, Chinese for anything but "en".
func (l Label) In(lang string) string {
	if lang == "en" {
		return l.EN
	}
	return l.ZH
}

// Descriptor is one version of the schema.
type Descriptor struct {
	Version int      `json:"version"`
	Rules   int      `json:"rules"` // number of the merge rules
	Roles   []Role   `json:"roles"`
	Tables  []*Table `json:"tables"`

	byName map[string]*Table
}

// Table is one table. Rows of a table without Parent hang directly from their
// root: a job row is its own root; person, centre, office and headquarters
// rows hang from the writer's person or from the log's centre.
type Table struct {
	Name         string    `json:"name"`
	Label        Label     `json:"label"`
	Parent       string    `json:"parent,omitempty"`
	ParentColumn string    `json:"parent_column,omitempty"`
	Root         RootKind  `json:"root"`
	Rule         Rule      `json:"rule"`
	Delete       bool      `json:"delete"`
	Writers      []Role    `json:"writers"`
	Columns      []*Column `json:"columns"`
	Since        int       `json:"since,omitempty"` // version that it came with; 0: the first

	byName map[string]*Column
}

// Column is one column of a table. Empty Writers, Readers and Rule mean the
// table's; Max bounds UTF-8 bytes of text, bytes of bytes, else the value.
type Column struct {
	Name        string           `json:"name"`
	Type        Type             `json:"type"`
	Rule        Rule             `json:"rule,omitempty"`
	Writers     []Role           `json:"writers,omitempty"`
	Readers     []Role           `json:"readers,omitempty"`
	Required    bool             `json:"required,omitempty"`
	Min         *int64           `json:"min,omitempty"` // least number; nil: none
	Max         int64            `json:"max,omitempty"`
	Values      []string         `json:"values,omitempty"`
	ValueLabels map[string]Label `json:"value_labels,omitempty"`
	Ref         string           `json:"ref,omitempty"`
	Currency    string           `json:"currency,omitempty"` // column that holds the currency
	Transitions []Transition     `json:"transitions,omitempty"`
	Purpose     string           `json:"purpose,omitempty"`
	Label       Label            `json:"label"`
	Since       int              `json:"since,omitempty"` // version that it came with; 0: its table's

	// LaterValues are those of Values that came with a later version.
	LaterValues map[string]LaterValue `json:"later_values,omitempty"`
}

// Transition is one allowed step of a state column and who may take it.
type Transition struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Writers []Role `json:"writers"`
}

// Version reads one version of the schema. An unknown version is an error.
func Version(n int) (*Descriptor, error) {
	b, err := versions.ReadFile(fmt.Sprintf("versions/%03d.json", n))
	if err != nil {
		return nil, fmt.Errorf("schema version %d is unknown: %w", n, err)
	}
	return Parse(b)
}

// MustCurrent reads the newest version; it panics only where the build itself
// is broken, which a test of this package would have shown.
func MustCurrent() *Descriptor {
	d, err := Version(Current)
	if err != nil {
		panic(err)
	}
	return d
}

// JSON gives the served bytes of one version.
func JSON(n int) ([]byte, error) {
	return versions.ReadFile(fmt.Sprintf("versions/%03d.json", n))
}

// Parse reads a descriptor and checks that it holds together.
func Parse(b []byte) (*Descriptor, error) {
	d := &Descriptor{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	d.byName = make(map[string]*Table, len(d.Tables))
	for _, t := range d.Tables {
		if d.byName[t.Name] != nil {
			return nil, fmt.Errorf("schema: table %s is there twice", t.Name)
		}
		d.byName[t.Name] = t
		t.byName = make(map[string]*Column, len(t.Columns))
		for _, c := range t.Columns {
			if t.byName[c.Name] != nil {
				return nil, fmt.Errorf("schema: column %s.%s is there twice", t.Name, c.Name)
			}
			t.byName[c.Name] = c
		}
	}
	for _, t := range d.Tables {
		if t.Parent == "" {
			continue
		}
		p, c := d.byName[t.Parent], t.byName[t.ParentColumn]
		if p == nil || c == nil || c.Type != UUID || p.Root != t.Root {
			return nil, fmt.Errorf("schema: parent of %s does not fit", t.Name)
		}
	}
	return d, nil
}

// Table finds a table by name; nil for an unknown one.
func (d *Descriptor) Table(name string) *Table { return d.byName[name] }

// Column finds a column by name; nil for an unknown one.
func (t *Table) Column(name string) *Column { return t.byName[name] }

// RuleOf is the merge rule of a column: its own, else its table's. A column of
// a fact table is a fact whatever it says.
func (t *Table) RuleOf(c *Column) Rule {
	if t.Rule == Fact || c.Rule == "" {
		return t.Rule
	}
	return c.Rule
}

// MayWrite says whether a role may write a column. The server may write all.
func (t *Table) MayWrite(c *Column, r Role) bool {
	if r == Server {
		return true
	}
	if len(c.Writers) > 0 {
		return slices.Contains(c.Writers, r)
	}
	return slices.Contains(t.Writers, r)
}

// MayTouch says whether a role may write the table at all.
func (t *Table) MayTouch(r Role) bool {
	return r == Server || slices.Contains(t.Writers, r)
}

// MayRead says whether a role may read a column of a row that it may see.
func (c *Column) MayRead(r Role) bool {
	return len(c.Readers) == 0 || r == Server || slices.Contains(c.Readers, r)
}

// ValueLabel is the text of one of the column's declared values, or the value.
func (c *Column) ValueLabel(v, lang string) string {
	if l, ok := c.ValueLabels[v]; ok {
		return l.In(lang)
	}
	return v
}

// Step finds the transition from one state to another that a role may take.
// allowed says that the step exists for somebody, may that the role is among
// its writers.
func (c *Column) Step(from, to string, r Role) (allowed, may bool) {
	for _, t := range c.Transitions {
		if t.From == from && t.To == to {
			return true, r == Server || slices.Contains(t.Writers, r)
		}
	}
	return false, false
}
