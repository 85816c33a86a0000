package main

import (
	"context"
	"testing"
)

// TestPostgres plays each drill on PostgreSQL once, side by side: most of the
// time they wait. PostgreSQL's programs are needed; without them it fails and
// says which package has them.
func TestPostgres(t *testing.T) {
	b := theBench(t)
	if _, err := b.pgBase(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		run   func(context.Context, *tally, int) error
		times int
		mount bool
	}{
		{"failover", b.pgFailover, 1, false},
		{"failover, control", b.pgFailoverControl, 3, false},
		{"connections cut", b.pgCuts, 40, false},
		{"one of two servers killed", b.pgKills, 4, false},
		{"rolling restart", b.pgRolling, 1, false},
		{"leases", b.pgLeases, 1, false},
		{"full disk", b.pgFull, 1, true},
		{"full disk of its log", b.pgLogFull, 1, true},
		{"damaged page", b.pgDamage, len(wounds), false},
		{"point in time", b.pgPointInTime, 1, false},
		{"photo storage", b.storageFaults, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.mount && leftOut(t) {
				return
			}
			t.Parallel()
			passes(t, c.run, c.times)
		})
	}
}
