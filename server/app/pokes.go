package app

import (
	"context"

	"github.com/google/uuid"
)

// pokeHere tells the streams that wait at this server; a change of
// headquarters reaches everybody, and headquarters, which judges the defects
// of all centres, hears of each.
func (c *Core) pokeHere(stream uuid.UUID) {
	c.mu.Lock()
	hq := c.hq
	c.mu.Unlock()
	c.Feed.Poke(stream, stream == hq)
	if stream != hq {
		c.Feed.Poke(hq, false)
	}
}

// wakeShipper says that something was committed, by whichever server.
func (c *Core) wakeShipper() {
	c.mu.Lock()
	ship := c.ship
	c.mu.Unlock()
	if ship != nil {
		ship.Wake()
	}
}

// hearOthers passes on what other servers of the database announce. After a
// broken connection everybody is told to look: a notice may have been lost.
func (c *Core) hearOthers(ctx context.Context) {
	c.Store.Listen(ctx, func(stream uuid.UUID) {
		c.wakeShipper()
		if stream == uuid.Nil {
			c.Feed.Poke(stream, true)
			return
		}
		c.pokeHere(stream)
	})
}
