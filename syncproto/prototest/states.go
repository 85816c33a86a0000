// Package prototest reads the tables of PROTOCOL.md for the tests that play
// them. It never holds a copy of what the page says: a cell that the page gains
// or loses must show in the test that plays it.
package prototest

import (
	"os"
	"strings"
	"testing"
)

// Table is a state × event table: what happens, by event and state. A cell that
// cannot happen ("–") is not in it.
type Table struct {
	States []string
	Cells  map[string]map[string]string
}

// Is says whether an event can happen in a state.
func (t Table) Is(event, state string) bool { return t.Cells[event][state] != "" }

// Play plays every cell of the table. A cell without a case fails, and so does a
// case without a cell; fewer cells than least mean that the page was not read.
func Play[C any](t *testing.T, table Table, cases map[string]map[string]C, least int, play func(t *testing.T, state string, c C)) {
	t.Helper()
	n := 0
	for event := range table.Cells {
		for _, state := range table.States {
			c, has := cases[event][state]
			if is := table.Is(event, state); is != has {
				t.Errorf("%s × %s: in the table %v, a case here %v", event, state, is, has)
			}
			if has {
				n++
				t.Run(event+" × "+state, func(t *testing.T) { play(t, state, c) })
			}
		}
	}
	for event := range cases {
		if table.Cells[event] == nil {
			t.Errorf("a case for %q, which the table has not", event)
		}
	}
	if n < least {
		t.Errorf("only %d cells were read, not %d", n, least)
	}
}

// States reads the first table behind a heading of the page at path whose first
// line begins with columns. A row of one cell is about all states.
func States(t *testing.T, path, heading, columns string) Table {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(b), heading)
	if !ok {
		t.Fatalf("%s has no %q", path, heading)
	}
	table := Table{Cells: map[string]map[string]string{}}
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case table.States == nil && strings.HasPrefix(line, columns):
			table.States = cellsOf(line)[1:]
		case table.States == nil || strings.HasPrefix(line, "|---"):
		case !strings.HasPrefix(line, "|"):
			return table
		default:
			table.add(cellsOf(line))
		}
	}
	if table.States == nil {
		t.Fatalf("%s has no table %q behind %q", path, columns, heading)
	}
	return table
}

func (t *Table) add(row []string) {
	cells := map[string]string{}
	t.Cells[row[0]] = cells
	for i, s := range t.States {
		switch {
		case i+1 < len(row) && row[i+1] != "":
			if !strings.HasPrefix(row[i+1], "–") {
				cells[s] = row[i+1]
			}
		case strings.HasPrefix(row[1], "all "):
			cells[s] = row[1]
		}
	}
}

func cellsOf(line string) []string {
	cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}
