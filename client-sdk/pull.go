package clientsdk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/replica"
	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

// errMismatch: after a repair the rows here are still not the server's.
var errMismatch = errors.New("the rows on the phone are not those of the server")

// repairs bounds how often one round repairs; more would be a fault of one side,
// which the next round's wait is for.
const repairs = 2

// pull takes over the feed until there is no more. answered says that something
// was recorded in answer to an instruction.
func (c *Client) pull(ctx context.Context, r *Round) (answered bool, err error) {
	repaired, voided, limit := 0, false, syncproto.DefaultLimits().MaxPageRows
	var ahead *pagesAhead
	defer func() { ahead.drop() }()
	for {
		var cursor string
		var kind replica.Kind
		if err := c.db.View(ctx, func(tx *sql.Tx) error {
			cursor, kind, err = c.rep.Where(ctx, tx)
			return err
		}); err != nil {
			return answered, err
		}
		page, times, err := c.page(ctx, ahead.get(cursor), cursor, limit)
		if p, ok := transport.ProblemOf(err); ok && p.Code == syncproto.CursorInvalid && cursor != "" && !voided {
			voided = true
			if err := c.db.Update(ctx, func(tx *sql.Tx) error { return c.rep.Void(ctx, tx) }); err != nil {
				return answered, err
			}
			continue
		}
		if smallerPage(err) && limit > 1 {
			limit /= 2
			continue
		}
		if err != nil {
			return answered, err
		}
		if kind == replica.Fresh && page.More && len(page.Rows) >= aheadFrom && !ahead.runs() {
			ahead = c.readAhead(ctx, page.Next, limit)
		}
		took, err := c.take(ctx, kind, page, times, ahead)
		r.Pulled += took.rows
		answered = answered || took.answered
		if err != nil {
			return answered, err
		}
		switch {
		case took.more:
		case took.mismatch == "":
			return answered, nil
		case repaired == repairs:
			return answered, fmt.Errorf("%w: %s", errMismatch, took.mismatch)
		default:
			repaired++
			r.Repaired = true
			if err := c.repair(ctx, took.mismatch, r); err != nil {
				return answered, err
			}
		}
	}
}

// smallerPage says that the server gives pages with fewer rows alone: one that
// is over a limit on the way, or a server whose own limit is below the
// protocol's.
func smallerPage(err error) bool {
	p, ok := transport.ProblemOf(err)
	return ok && (p.Status == 413 || p.Code == syncproto.LimitInvalid)
}

// page gives one page of the server's present history: the one that was read
// ahead, or it asks.
func (c *Client) page(ctx context.Context, n *nextPage, cursor string, limit int) (*syncproto.Page, transport.Times, error) {
	if n == nil {
		got, err := c.ask(ctx, cursor, limit)
		n = &nextPage{read: make(chan struct{}), err: err}
		n.decode(got)
	}
	if p, ok := transport.ProblemOf(n.err); ok && p.Code == syncproto.HistoryChanged {
		return nil, n.times, c.historyChanged(ctx, p.History, n.err)
	}
	if n.err != nil {
		return nil, n.times, n.err
	}
	return n.page, n.times, c.sameHistory(ctx, n.page)
}

// ask gets a page as it comes.
func (c *Client) ask(ctx context.Context, cursor string, limit int) (got *transport.Pulled, err error) {
	err = c.authed(ctx, func(token string) error {
		got, err = c.net.Pull(ctx, token, cursor, limit)
		return err
	})
	return got, err
}

func (c *Client) sameHistory(ctx context.Context, page *syncproto.Page) error {
	id, err := c.enrolled()
	if err != nil || id.History == page.History {
		return err
	}
	return c.historyChanged(ctx, page.History.String(), errors.New("a page of another history"))
}

// pagesAtOnce is how many pages of a first pull one transaction takes over, if
// they are there: an index page that each of them changes is written once.
const pagesAtOnce = 8

// took is what one page, or some of a first pull, did.
type took struct {
	more     bool // there are further pages
	rows     int
	answered bool
	mismatch string
}

// take stages a page. The last one makes all of them visible, together with the
// cursor, my changes on top, and the answers to instructions. What was read
// ahead of a first pull and is there already goes along.
func (c *Client) take(ctx context.Context, kind replica.Kind, page *syncproto.Page, times transport.Times, ahead *pagesAhead) (took, error) {
	var t took
	id, err := c.enrolled()
	if err != nil {
		return t, err
	}
	err = c.db.Update(ctx, func(tx *sql.Tx) error {
		t = took{}
		for n := 1; ; n++ {
			if err := c.rep.Stage(ctx, tx, kind, page); err != nil {
				return err
			}
			if !page.More || n == pagesAtOnce {
				break
			}
			next := ahead.ready(page.Next, page.History)
			if next == nil {
				break
			}
			page = next
		}
		if err := c.out.Observe(ctx, tx, page.HLC); err != nil {
			return err
		}
		if err := c.measured(ctx, tx, times); err != nil {
			return err
		}
		if page.More {
			t.more = true
			return nil
		}
		var err error
		t, err = c.show(ctx, tx, id, page)
		return err
	})
	if err == nil && !t.more {
		c.changed()
	}
	return t, err
}

func (c *Client) show(ctx context.Context, tx *sql.Tx, id *identity, page *syncproto.Page) (took, error) {
	var t took
	staged, err := c.rep.Staged(ctx, tx)
	if err != nil {
		return t, err
	}
	eff, fresh, err := c.obey(ctx, tx, staged)
	if err != nil {
		return t, err
	}
	shown, err := c.rep.Show(ctx, tx, eff.Rows, func(lay func([]outbox.Key) error) error {
		if page.Passed == nil {
			return nil
		}
		return c.out.Passed(ctx, tx, *page.Passed, lay)
	})
	if err != nil {
		return t, err
	}
	for _, d := range eff.Denied {
		if err := c.notice(ctx, tx, "refused", d.Key, d.Reason, ""); err != nil {
			return t, err
		}
	}
	t.rows = shown.Rows
	if t.mismatch, err = c.rep.Mismatch(ctx, tx, page.Checksums, page.Total); err != nil {
		return t, err
	}
	t.answered = len(fresh) > 0
	return t, c.acknowledge(ctx, tx, id, fresh)
}

// repair compares the checksums of all roots with the server's and takes over
// what differs.
func (c *Client) repair(ctx context.Context, what string, r *Round) error {
	c.cfg.Log.Warn("rows differ from the server's; repairing", "root", what)
	var roots []syncproto.Checksum
	err := c.db.View(ctx, func(tx *sql.Tx) error {
		var err error
		roots, _, err = c.rep.Sums(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	var page *syncproto.Page
	err = c.authed(ctx, func(token string) error {
		var err error
		page, err = c.net.Repair(ctx, token, roots)
		return err
	})
	if p, ok := transport.ProblemOf(err); ok && p.Code == syncproto.HistoryChanged {
		return c.historyChanged(ctx, p.History, err)
	}
	if err != nil {
		return err
	}
	if err := c.sameHistory(ctx, page); err != nil {
		return err
	}
	return c.db.Update(ctx, func(tx *sql.Tx) error {
		if err := c.rep.Stage(ctx, tx, replica.Repair, page); err != nil {
			return err
		}
		shown, err := c.rep.Show(ctx, tx, nil, nil)
		r.Pulled += shown.Rows
		return err
	})
}
