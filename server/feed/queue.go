package feed

import (
	"container/heap"
	"context"
)

// source is one root being read in order, or one leaving. It is read when its
// turn comes: until then head is a bound that no key of it is before.
type source struct {
	root  Root
	after uint64
	keys  []Key
	left  *Left
	head  place  // of the next key
	read  int    // how many keys the next question asks for
	upTo  uint64 // the rev up to which keys holds all
}

// A root is read a few keys ahead, and further each time it goes on: most of a
// pull's many roots have little to give.
const (
	firstChunk = 8
	chunk      = 256
)

func open(r Root, after uint64) *source {
	return &source{root: r, after: after, head: place{max(after+1, r.Joined), after + 1}, read: firstChunk}
}

// settled says that head is a key's place, or the place where a root is left.
func (s *source) settled() bool { return s.left != nil || len(s.keys) > 0 }

// fill reads on; false at the end of the root.
func (s *source) fill(ctx context.Context, snap Places) (bool, error) {
	keys, err := snap.Keys(ctx, s.root.Stream, s.root.ID, s.after, s.read)
	if err != nil || len(keys) == 0 {
		return false, err
	}
	s.read = min(4*s.read, chunk)
	s.keys = keys
	s.head = s.place()
	return true, nil
}

func (s *source) place() place {
	rev := s.keys[0].Rev
	return place{max(rev, s.root.Joined), rev}
}

// next steps behind the first key; false at the end.
func (s *source) next() bool {
	s.after = s.keys[0].Rev
	s.keys = s.keys[1:]
	if len(s.keys) > 0 {
		s.head = s.place()
		return true
	}
	return s.behind(max(s.after, s.upTo))
}

// behind says that nothing up to a rev is left; false at the end of the root.
func (s *source) behind(rev uint64) bool {
	s.after = rev
	s.head = place{max(rev+1, s.root.Joined), rev + 1}
	return rev < s.root.Rev
}

// queue gives the source whose next key comes first.
type queue struct{ items []*source }

func (q *queue) Len() int           { return len(q.items) }
func (q *queue) Less(i, j int) bool { return q.items[i].head.less(q.items[j].head) }
func (q *queue) Swap(i, j int)      { q.items[i], q.items[j] = q.items[j], q.items[i] }
func (q *queue) Push(x any)         { q.items = append(q.items, x.(*source)) }
func (q *queue) Pop() any {
	n := len(q.items) - 1
	x := q.items[n]
	q.items = q.items[:n]
	return x
}

// replace puts the first source where it belongs now, or drops it.
func (q *queue) replace(more bool) {
	if more {
		heap.Fix(q, 0)
	} else {
		heap.Pop(q)
	}
}
