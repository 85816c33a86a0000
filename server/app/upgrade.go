package app

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// Upgrade takes every stream over to this build's version of the schema,
// headquarters first, since centres read its people. A stream that has it
// already costs one read. A crash in between leaves whole streams, and the next
// start goes on with the rest.
func (c *Core) Upgrade(ctx context.Context) error {
	streams, err := c.Store.Streams(ctx)
	if err != nil {
		return fmt.Errorf("streams to upgrade: %w", err)
	}
	for _, s := range streams {
		if err := c.upgrade(ctx, s.ID); err != nil {
			return err
		}
	}
	return nil
}

func (c *Core) upgrade(ctx context.Context, stream uuid.UUID) error {
	done, err := c.Ledger.Upgrade(ctx, stream)
	if err == nil && done {
		c.Log.Info("schema upgraded", "centre", stream, "schema", c.Schema.Version)
	}
	return err
}
