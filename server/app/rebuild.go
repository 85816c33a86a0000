package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"siteledger/server/store"
)

// Rebuilt says what a rebuild compared.
type Rebuilt struct {
	Changes int
	Rows    int
}

// Rebuild folds the whole ledger again into a second, temporary store and
// compares it with the live one, row by row. Writers may go on only after it:
// what is written meanwhile shows as a difference.
func (c *Core) Rebuild(ctx context.Context, progress func(changes int), report func(store.Difference) error) (out Rebuilt, err error) {
	dir, err := os.MkdirTemp(c.Config.Data, "rebuild-")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	second, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, DatabaseName), Synchronous: "OFF"})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, second.Close()) }()
	if err := second.CopyStreams(ctx, c.Store); err != nil {
		return out, err
	}
	if out.Changes, err = c.foldInto(ctx, second, progress); err != nil {
		return out, err
	}
	out.Rows, err = store.Compare(ctx, c.Store, second, report)
	return out, err
}

// splitStreams tells headquarters from the centres.
func splitStreams(streams []store.StreamInfo) (hq uuid.UUID, centres []uuid.UUID) {
	for _, s := range streams {
		if s.Headquarters {
			hq = s.ID
		} else {
			centres = append(centres, s.ID)
		}
	}
	return hq, centres
}
