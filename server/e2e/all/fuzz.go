package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"siteledger/syncproto/mutate"
)

// counted runs the tests and adds to the closing lines how many executions
// their fuzz targets made in all.
func counted(closing *closingLines, tests func() error) error {
	dir, err := os.MkdirTemp("", "siteledger-fuzz-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "log")
	if err := os.Setenv(mutate.LogVariable, name); err != nil {
		return err
	}
	defer os.Unsetenv(mutate.LogVariable)
	failed := tests()
	line, err := fuzzSum(name)
	if err != nil {
		return err
	}
	closing.lines = append(closing.lines, line)
	return failed
}

// fuzzSum adds up the log that the runs of mutate wrote.
func fuzzSum(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("no fuzz target ran: %w", err)
	}
	defer f.Close()
	targets, runs, millis := map[string]bool{}, 0, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		var target string
		var n, ms int
		if _, err := fmt.Sscan(s.Text(), &target, &n, &ms); err != nil {
			return "", fmt.Errorf("fuzz log: %w", err)
		}
		targets[target] = true
		runs, millis = runs+n, millis+ms
	}
	return fmt.Sprintf("ok  \tfuzz: %d executions of %d targets\t%s", runs, len(targets), (time.Duration(millis) * time.Millisecond).Round(time.Second)), nil
}
