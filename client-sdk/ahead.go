package clientsdk

import (
	"context"

	"github.com/google/uuid"

	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

// aheadFrom is how many rows a page has that is worth reading ahead behind: a
// first pull has hundreds of such pages.
const aheadFrom = 250

// pagesAhead reads the pages of a pull before they are asked for, so that phone and
// server need not wait for each other: while one page is taken over, the next is
// decoded, and the one behind that is on its way. No more than those are in
// memory.
type pagesAhead struct {
	pages  chan *nextPage // closed at the end
	cancel context.CancelFunc
	ended  bool
	kept   *nextPage // came, and was not ready yet
}

// nextPage is a page that came, or why it did not.
type nextPage struct {
	cursor string
	read   chan struct{} // closed when what follows is known
	page   *syncproto.Page
	times  transport.Times
	err    error
}

func (c *Client) readAhead(ctx context.Context, cursor string, limit int) *pagesAhead {
	ctx, cancel := context.WithCancel(ctx)
	a := &pagesAhead{pages: make(chan *nextPage), cancel: cancel}
	go func() {
		defer close(a.pages)
		for got, err := c.ask(ctx, cursor, limit); ; {
			n := &nextPage{cursor: cursor, read: make(chan struct{}), err: err}
			next := ""
			if err == nil {
				next = got.Next()
			}
			go n.decode(got)
			if next != "" {
				got, err = c.ask(ctx, next, limit)
			}
			select {
			case a.pages <- n:
			case <-ctx.Done():
				<-n.read
				return
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}()
	return a
}

func (n *nextPage) decode(got *transport.Pulled) {
	defer close(n.read)
	if n.err == nil {
		n.times = got.Times
		n.page, n.err = got.Page()
	}
}

// get waits for the page behind a cursor; nil where it is not on its way.
func (a *pagesAhead) get(cursor string) *nextPage {
	if !a.runs() {
		return nil
	}
	n := a.kept
	a.kept = nil
	if n == nil {
		n = <-a.pages
	}
	if n == nil || n.cursor != cursor {
		a.drop()
		return nil
	}
	<-n.read
	if n.err != nil {
		a.drop()
	}
	return n
}

// ready gives the page behind a cursor, of the same history, if it is there
// already; it never waits for the network.
func (a *pagesAhead) ready(cursor string, history uuid.UUID) *syncproto.Page {
	if !a.runs() {
		return nil
	}
	if a.kept == nil {
		select {
		case a.kept = <-a.pages:
		default:
		}
	}
	n := a.kept
	if n == nil {
		return nil
	}
	select {
	case <-n.read:
	default:
		return nil
	}
	if n.err != nil || n.cursor != cursor || n.page.History != history {
		return nil // get says what is the matter
	}
	a.kept = nil
	return n.page
}

func (a *pagesAhead) runs() bool { return a != nil && !a.ended }

// drop ends what is on its way.
func (a *pagesAhead) drop() {
	if !a.runs() {
		return
	}
	a.ended = true
	a.cancel()
	for range a.pages {
	}
}
