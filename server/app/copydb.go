package app

import (
	"context"
	"errors"

	"siteledger/server/store"
)

// copyToFile writes one state of a PostgreSQL database to a new SQLite file:
// the backup of either engine can be verified and restored anywhere.
func (c *Core) copyToFile(ctx context.Context, path string) error {
	to, err := store.Open(ctx, store.Config{Path: path})
	if err != nil {
		return err
	}
	return errors.Join(store.Copy(ctx, c.Store, to, nil), to.Close())
}
