package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mutantFolder holds the planted bugs, from the root of the module.
const mutantFolder = "testdata/mutants"

// mutant is one deliberate bug: texts that are replaced in source files while
// the simulator is built. Nothing in the shipped code knows of it.
type mutant struct {
	name  string
	what  string
	finds []string // promises whose breach is this bug's doing; any other finding does not count
	from  uint64   // the first of the seeds within which it must be found; 0 for the run's own
	edits []edit
}

type edit struct{ file, before, after string }

// readMutant reads a file of the form
//
//	what: a sentence
//	finds: I1 I2
//	seed: 17
//	file: server/ledger/push.go
//	--- before
//	text that stands there exactly once
//	--- after
//	text that replaces it
//
// with further file, before and after parts behind.
func readMutant(path string) (mutant, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return mutant{}, err
	}
	m := mutant{name: strings.TrimSuffix(filepath.Base(path), ".txt")}
	part := ""
	for _, line := range strings.SplitAfter(string(b), "\n") {
		switch text := strings.TrimSuffix(line, "\n"); {
		case strings.HasPrefix(text, "what: "):
			m.what = text[6:]
		case strings.HasPrefix(text, "finds: "):
			m.finds = strings.Fields(text[7:])
		case strings.HasPrefix(text, "seed: "):
			if m.from, err = strconv.ParseUint(text[6:], 10, 64); err != nil {
				return m, fmt.Errorf("%s: %w", path, err)
			}
		case strings.HasPrefix(text, "file: "):
			m.edits, part = append(m.edits, edit{file: text[6:]}), ""
		case text == "--- before", text == "--- after":
			part = text[4:]
		case part == "before" && len(m.edits) > 0:
			m.edits[len(m.edits)-1].before += line
		case part == "after" && len(m.edits) > 0:
			m.edits[len(m.edits)-1].after += line
		}
	}
	if m.what == "" || len(m.edits) == 0 || len(m.finds) == 0 {
		return m, fmt.Errorf("%s: a mutant needs what, finds and at least one file", path)
	}
	return m, nil
}
