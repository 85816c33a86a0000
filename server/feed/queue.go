package feed

import "context"

// source is one root being read in order, or one leaving.
type source struct {
	root  Root
	after uint64
	keys  []Key
	left  *Left
	head  place // of the next key
}

// chunk bounds how far ahead a root is read.
const chunk = 256

func (s *source) fill(ctx context.Context, snap Content, want int) (bool, error) {
	keys, err := snap.Keys(ctx, s.root.Stream, s.root.ID, s.after, min(chunk, max(want, 1)))
	if err != nil || len(keys) == 0 {
		return false, err
	}
	s.keys = keys
	s.head = s.place()
	return true, nil
}

func (s *source) place() place {
	rev := s.keys[0].Rev
	return place{max(rev, s.root.Joined), rev}
}

// next steps behind the first key; false at the end.
func (s *source) next(ctx context.Context, snap Content, want int) (bool, error) {
	s.after = s.keys[0].Rev
	s.keys = s.keys[1:]
	if len(s.keys) == 0 {
		return s.fill(ctx, snap, want)
	}
	s.head = s.place()
	return true, nil
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
