//go:build !linux

package main

import (
	"context"
	"errors"
)

// pgParts are the drills on PostgreSQL, which stall and kill its processes in
// Linux's way.
func (b *bench) pgParts() []part {
	return []part{{name: "pg", times: 1, run: func(context.Context, *tally, int) error {
		return errors.New("the drills on PostgreSQL run on Linux alone")
	}}}
}
