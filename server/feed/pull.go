package feed

import (
	"container/heap"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Pull gives one page of what changed for the device since the cursor; an
// empty cursor is a cold start. limit 0 means the default page.
func (f *Feed) Pull(ctx context.Context, dev Device, cur string, limit int) (*syncproto.Page, error) {
	if limit == 0 {
		limit = syncproto.DefaultPageRows
	}
	if limit < 1 || limit > f.Limits.MaxPageRows {
		return nil, &fault.Error{Code: syncproto.LimitInvalid, Message: fmt.Sprintf("limit must be 1 to %d", f.Limits.MaxPageRows)}
	}
	dev.Schema = f.reads(dev)
	c, err := f.decode(cur, dev.Person, dev.Schema)
	if err != nil {
		return nil, err
	}
	var page *syncproto.Page
	err = f.View(ctx, dev.Centre, func(s Snapshot) error {
		p := &pull{Feed: f, snap: s, dev: dev, cur: c, limit: limit}
		page, err = p.page(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pull of device %s: %w", dev.ID, err)
	}
	return page, nil
}

type pull struct {
	*Feed
	snap  Snapshot
	dev   Device
	cur   cursor
	limit int
	roots []Root
	out   *syncproto.Page
	empty int // windows since one that had a row: each reaches twice as far
}

func (p *pull) page(ctx context.Context) (*syncproto.Page, error) {
	p.out = &syncproto.Page{History: p.History, Rows: []syncproto.Row{}, Removed: []syncproto.Removed{}, Instructions: []syncproto.Instruction{}}
	var err error
	if p.roots, err = p.snap.Roots(ctx, p.dev.Person); err != nil {
		return nil, fmt.Errorf("audience: %w", err)
	}
	if p.out.HLC, err = p.snap.HLC(ctx); err != nil {
		return nil, err
	}
	left, err := p.snap.Left(ctx, p.dev.Person, p.cur.centre.Pos)
	if err != nil {
		return nil, fmt.Errorf("left roots: %w", err)
	}
	if err := p.hide(ctx); err != nil {
		return nil, err
	}
	if p.cur.centre == (place{}) {
		left = nil // a cold start has nothing to remove
	}
	next := p.cur
	more, err := p.stream(ctx, p.dev.Centre, &next.centre, left)
	if err != nil {
		return nil, err
	}
	if !more && p.left() > 0 {
		more, err = p.stream(ctx, uuid.Nil, &next.hq, nil)
	} else if !more {
		more = p.pending(uuid.Nil, next.hq)
	}
	if err != nil {
		return nil, err
	}
	p.out.More = more
	if !more {
		if err := p.last(ctx); err != nil {
			return nil, err
		}
		next.startCentre, next.startHQ = next.centre.Pos, next.hq.Pos
	}
	p.out.Next = p.encode(next, p.dev.Person)
	return p.out, nil
}

func (p *pull) left() int { return p.limit - len(p.out.Rows) - len(p.out.Removed) }

// ofStream picks the roots of the centre's stream, or with uuid.Nil of
// headquarters'.
func (p *pull) ofStream(stream uuid.UUID) []Root {
	var out []Root
	for _, r := range p.roots {
		if (stream == uuid.Nil) == (r.Stream != p.dev.Centre) {
			out = append(out, r)
		}
	}
	return out
}

func (p *pull) pending(stream uuid.UUID, at place) bool {
	for _, r := range p.ofStream(stream) {
		if _, ok := begin(r, at); ok {
			return true
		}
	}
	return false
}

// begin is the rev after which a reader at a place continues in a root; false
// where nothing of it is left.
func begin(r Root, at place) (uint64, bool) {
	switch {
	case r.Joined > at.Pos:
		return 0, r.Rev > 0
	case r.Joined == at.Pos && r.Joined > 0:
		return at.Rev, r.Rev > at.Rev
	}
	return at.Pos, r.Rev > at.Pos
}

// stream adds what is left of one stream, in order, until the page is full.
func (p *pull) stream(ctx context.Context, stream uuid.UUID, at *place, left []Left) (more bool, err error) {
	q := &queue{}
	for _, l := range left {
		if (place{l.At, 0}).less(*at) || (place{l.At, 0}) == *at {
			continue
		}
		q.items = append(q.items, &source{left: &l, head: place{l.At, 0}})
	}
	for _, r := range p.ofStream(stream) {
		if after, ok := begin(r, *at); ok {
			q.items = append(q.items, open(r, after))
		}
	}
	heap.Init(q)
	var batch []found
	for q.Len() > 0 {
		s := q.items[0]
		if !s.settled() {
			if err := p.settle(ctx, q, p.left()-len(batch)); err != nil {
				return false, err
			}
			continue
		}
		if p.left()-len(batch) <= 0 {
			break // there is more
		}
		*at = s.head
		if s.left != nil {
			batch = append(batch, found{left: s.left})
			q.replace(false)
			continue
		}
		batch = append(batch, found{root: s.root, key: s.keys[0]})
		q.replace(s.next())
	}
	return q.Len() > 0, p.emit(ctx, batch)
}

// found is one place of the page.
type found struct {
	root Root
	key  Key
	left *Left
}

// emit reads the rows of the places and adds them to the page.
func (p *pull) emit(ctx context.Context, batch []found) error {
	p.out.Rows = slices.Grow(p.out.Rows, len(batch))
	byStream := map[uuid.UUID][]Key{}
	for _, b := range batch {
		if b.left == nil && !b.key.Deleted && p.knows(b.key.Table) {
			byStream[b.root.Stream] = append(byStream[b.root.Stream], b.key)
		}
	}
	rows := map[uuid.UUID][]schema.Row{} // of each stream, in the order of its keys
	for stream, keys := range byStream {
		var err error
		if rows[stream], err = p.snap.Rows(ctx, stream, keys); err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
	}
	for _, b := range batch {
		switch {
		case b.left != nil:
			id := b.left.ID
			p.out.Removed = append(p.out.Removed, syncproto.Removed{Root: &id, Why: syncproto.WhyLeft})
		case !p.knows(b.key.Table):
			// the reader's version has no such table
		case b.key.Deleted:
			id := b.key.Row
			p.out.Removed = append(p.out.Removed, syncproto.Removed{Table: b.key.Table, Row: &id, Why: syncproto.WhyDeleted})
		default:
			got := rows[b.root.Stream]
			if len(got) == 0 || got[0].ID != b.key.Row || got[0].Table != b.key.Table {
				return fmt.Errorf("the feed names %s %s, which is not there", b.key.Table, b.key.Row)
			}
			p.out.Rows = append(p.out.Rows, p.visible(got[0]))
			rows[b.root.Stream] = got[1:]
		}
	}
	return nil
}

// last adds what only the last page has.
func (p *pull) last(ctx context.Context) error {
	var err error
	if p.out.Instructions, err = p.snap.Instructions(ctx, p.dev.Person, p.dev.ID, p.cur.startCentre); err != nil {
		return fmt.Errorf("instructions: %w", err)
	}
	if p.out.Passed, err = p.snap.Passed(ctx, p.dev.ID); err != nil {
		return fmt.Errorf("passed: %w", err)
	}
	total := syncproto.Checksum{}
	var sum uint64
	p.out.Checksums = []syncproto.Checksum{}
	for _, r := range p.roots {
		sum += r.Sum
		total.Count += r.Rows
		start := p.cur.startCentre
		if r.Stream != p.dev.Centre {
			start = p.cur.startHQ
		}
		if r.Rev > start || r.Joined > start {
			p.out.Checksums = append(p.out.Checksums, syncproto.Checksum{Root: r.ID, Count: r.Rows, Sum: schema.SumText(r.Sum)})
		}
	}
	total.Sum = schema.SumText(sum)
	p.out.Total = &total
	return nil
}

// Repair gives what differs from the checksums that a phone has: a differing
// root is first removed, then given whole; a root that the phone does not name
// is given whole; one that it should not have is removed.
func (f *Feed) Repair(ctx context.Context, dev Device, have []syncproto.Checksum) (*syncproto.Page, error) {
	var page *syncproto.Page
	err := f.View(ctx, dev.Centre, func(s Snapshot) error {
		p := &pull{Feed: f, snap: s, dev: dev}
		p.dev.Schema = f.reads(dev)
		var err error
		page, err = p.repair(ctx, have)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("repair of device %s: %w", dev.ID, err)
	}
	return page, nil
}

func (p *pull) repair(ctx context.Context, have []syncproto.Checksum) (*syncproto.Page, error) {
	p.out = &syncproto.Page{History: p.History, Rows: []syncproto.Row{}, Removed: []syncproto.Removed{}, Instructions: []syncproto.Instruction{}}
	var err error
	if p.roots, err = p.snap.Roots(ctx, p.dev.Person); err != nil {
		return nil, err
	}
	if p.out.HLC, err = p.snap.HLC(ctx); err != nil {
		return nil, err
	}
	if err := p.hide(ctx); err != nil {
		return nil, err
	}
	theirs := make(map[uuid.UUID]syncproto.Checksum, len(have))
	for _, h := range have {
		if b, err := hex.DecodeString(h.Sum); err != nil || len(b) != 8 {
			return nil, fault.New(syncproto.BodyInvalid, "a checksum is 16 hex digits")
		}
		theirs[h.Root] = h
	}
	remove := func(id uuid.UUID) {
		p.out.Removed = append(p.out.Removed, syncproto.Removed{Root: &id, Why: syncproto.WhyLeft})
	}
	for _, r := range p.roots {
		h, ok := theirs[r.ID]
		delete(theirs, r.ID)
		if ok && h.Count == r.Rows && h.Sum == schema.SumText(r.Sum) {
			continue
		}
		if ok {
			remove(r.ID)
		}
		if err := p.whole(ctx, r); err != nil {
			return nil, err
		}
	}
	var extra []uuid.UUID
	for id := range theirs {
		extra = append(extra, id)
	}
	sort.Slice(extra, func(i, j int) bool { return extra[i].String() < extra[j].String() })
	for _, id := range extra {
		remove(id)
	}
	p.cur = cursor{schema: p.dev.Schema}
	return p.out, p.last(ctx)
}

func (p *pull) whole(ctx context.Context, r Root) error {
	for after := uint64(0); ; {
		keys, err := p.snap.Keys(ctx, r.Stream, r.ID, after, 500)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return nil
		}
		batch := make([]found, 0, len(keys))
		for _, k := range keys {
			if !k.Deleted {
				batch = append(batch, found{root: r, key: k})
			}
			after = k.Rev
		}
		if err := p.emit(ctx, batch); err != nil {
			return err
		}
	}
}
