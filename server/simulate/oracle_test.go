package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// TestLatestInABatch: what a log wrote of a column that the office wrote too: the
// later one stands, and what the log wrote last where it knew the office's value
// or its own stands already.
func TestLatestInABatch(t *testing.T) {
	office := officeValue{rev: 10, hlc: 100, value: "office"}
	type write struct {
		base, hlc uint64
		value     string
	}
	for _, c := range []struct {
		writes []write
		want   string
	}{
		{[]write{{9, 99, "a"}}, "office"},
		{[]write{{9, 101, "a"}}, "a"},
		{[]write{{10, 99, "a"}}, "a"},
		{[]write{{9, 98, "a"}, {9, 99, "b"}}, "office"},
		{[]write{{9, 99, "a"}, {12, 99, "b"}}, "b"},
		{[]write{{9, 101, "a"}, {12, 102, "b"}}, "b"},
		{[]write{{9, 101, "a"}, {9, 102, "office"}}, "office"},
		{[]write{{9, 101, "office"}, {9, 101, "b"}}, "b"},
	} {
		stands := contested{value: office.value}
		for _, w := range c.writes {
			stands = latest(stands, office, w.base, w.hlc, w.value)
		}
		if stands.value != c.want {
			t.Errorf("%v: %s, want %s", c.writes, stands.value, c.want)
		}
	}
}

// TestWhole: a transaction that took effect in part is found.
func TestWhole(t *testing.T) {
	for _, c := range []struct {
		outcomes string // of three changes, of which the first two are one transaction
		fine     bool
	}{
		{"||", true},
		{"merged|conflict|held rule", true},
		{"held transition|held transaction|", true},
		{"held transaction|held behind|held behind", true},
		{"denied not-writer|denied transaction|", true},
		{"held transition||", false},
		{"|held transition|", false},
		{"held transition|held behind|", false},
		{"held transaction|held transaction|", false},
		{"held transition|denied transaction|", false},
	} {
		m := &memory{phone: &phone{name: "phone1"}, outcome: map[uint64]string{}, code: map[uint64]syncproto.OutcomeCode{}}
		var fresh []*changelog.Change
		for i, text := range strings.Split(c.outcomes, "|") {
			seq := uint64(i + 1)
			code, reason, _ := strings.Cut(text, " ")
			m.code[seq], m.outcome[seq] = syncproto.OutcomeCode(code), code+" "+reason+" "
			fresh = append(fresh, &changelog.Change{Seq: seq, Txn: 1 + 2*(seq/3)})
		}
		if err := whole(m, fresh); (err == nil) != c.fine {
			t.Errorf("%s: %v", c.outcomes, err)
		}
	}
}

// TestPlant: a function that two bugs change stands three times, behind one that
// picks; what is no function's body cannot be planted.
func TestPlant(t *testing.T) {
	root := t.TempDir()
	const source = "package p\n\nconst k = 1\n\ntype s struct{}\n\nfunc (x *s) sum(a, b int, more ...int) (n int, err error) {\n\treturn a + b, nil\n}\n\nfunc say(text string) {\n\tprintln(text)\n}\n"
	if err := os.WriteFile(filepath.Join(root, "p.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	bug := func(name, before, after string) mutant {
		return mutant{name: name, edits: []edit{{"p.go", before, after}}}
	}
	dir := t.TempDir()
	if _, err := plant(root, dir, []mutant{bug("one", "a + b", "a - b"), bug("two", "a + b", "b"), bug("three", "println(text)", "print(text)")}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "0-p.go"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "p.go", text, 0); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	for _, want := range []string{"func (x *s) sumAsIs(", "func (x *s) sumPlanted1(", "case \"two\":\n\t\treturn x.sumPlanted1(a, b, more...)", "return x.sumAsIs(a, b, more...)",
		"case \"three\":\n\t\tsayPlanted0(text)\n\t\treturn"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %s:\n%s", want, text)
		}
	}
	for _, m := range []mutant{bug("constant", "k = 1", "k = 2"), bug("signature", "text string", "text ...string"), bug("twice", "a", "b"), bug("new", "func say", "func other() {}\n\nfunc say")} {
		if _, err := plant(root, t.TempDir(), []mutant{m}); err == nil {
			t.Errorf("%s was planted", m.name)
		}
	}
}
