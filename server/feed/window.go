package feed

import (
	"container/heap"
	"context"
	"fmt"
)

// few is how many roots are read one by one. More are read together, a window
// of revs at a time.
const few = 6

// settle reads what comes first: the first source, or a window of all those
// that are not read yet.
func (p *pull) settle(ctx context.Context, q *queue, want int) error {
	var unread []*source
	for _, s := range q.items {
		if !s.settled() {
			unread = append(unread, s)
		}
	}
	if len(unread) > few {
		return p.window(ctx, q, unread, want)
	}
	ok, err := q.items[0].fill(ctx, p.snap)
	if err != nil {
		return err
	}
	q.replace(ok)
	return nil
}

// window reads the places of many roots up to a rev that is likely to fill the
// page. Whatever is behind that rev, in whichever root, comes later.
func (p *pull) window(ctx context.Context, q *queue, unread []*source, want int) error {
	upTo := horizon(unread, want<<min(p.empty, 20))
	var spans []Span
	var of []*source
	for _, s := range unread {
		if s.head.Pos <= upTo {
			spans, of = append(spans, Span{s.root.ID, s.after}), append(of, s)
		}
	}
	limit := 2*want + chunk
	keys, span, err := p.snap.Window(ctx, unread[0].root.Stream, spans, upTo, limit)
	if err != nil {
		return fmt.Errorf("read the feed: %w", err)
	}
	if p.empty++; len(keys) > 0 {
		p.empty = 0
	}
	if len(keys) == limit {
		upTo = keys[limit-1].Rev // revs are unique in a stream: all before it are here
	}
	for i, k := range keys {
		s := of[span[i]]
		s.keys = append(s.keys, k)
	}
	done := map[*source]bool{}
	for _, s := range of {
		s.upTo = upTo
		if len(s.keys) > 0 {
			s.head = s.place()
		} else if !s.behind(max(upTo, s.after)) { // a full answer may end before where this one was
			done[s] = true
		}
	}
	kept := q.items[:0]
	for _, s := range q.items {
		if !done[s] {
			kept = append(kept, s)
		}
	}
	q.items = kept
	heap.Init(q)
	return nil
}

// horizon guesses the rev up to which the sources have about as many rows as
// are wanted, from how densely theirs lie.
func horizon(unread []*source, want int) uint64 {
	first, last, rows := ^uint64(0), uint64(0), uint64(0)
	for _, s := range unread {
		first, last = min(first, s.head.Pos), max(last, s.root.Rev)
		rows += min(uint64(max(s.root.Rows, 1)), s.root.Rev-min(s.after, s.root.Rev)+1)
	}
	if last <= first {
		return max(first, last)
	}
	span := last - first
	step := max(span/max(rows, 1), 1) * uint64(want+want/4+few)
	if step > span {
		return last
	}
	return first + step
}
