package archive

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/ledger"
)

// Tail is what was shipped behind a point of a server's past: the batches of
// its own history, and of those that began from it later. It is a
// [ledger.Source].
type Tail struct {
	bucket  Bucket
	keys    []ed25519.PublicKey
	streams map[uuid.UUID]*tailStream
	fresh   []ledger.Stream
	line    []*foundHistory // the store's history, and those that follow
	unknown int
}

// tailStream is one stream's objects.
type tailStream struct {
	parts []tailPart
	last  *shipped // read last
}

// tailPart are the objects of a stream within one history, by the place at
// which each begins, up to the place at which the next history begins.
type tailPart struct {
	history uuid.UUID
	from    []uint64
	until   uint64 // 0: to the end
}

// OpenTail looks through the bucket for what lies behind the ends of a store of
// the given histories, the newest first. Histories that began from a point that
// the store is past are left apart.
func OpenTail(ctx context.Context, bucket Bucket, keys []ed25519.PublicKey, histories []History, ends []ledger.Stream) (*Tail, error) {
	if len(histories) == 0 {
		return nil, errors.New("the database has no history")
	}
	t := &Tail{bucket: bucket, keys: keys, streams: map[uuid.UUID]*tailStream{}}
	at := map[uuid.UUID]uint64{}
	for _, e := range ends {
		at[e.Centre] = e.Pos
	}
	found, err := t.look(ctx)
	if err != nil {
		return nil, err
	}
	known := map[uuid.UUID]bool{}
	for _, h := range histories {
		known[h.ID] = true
	}
	if t.line, err = follow(found, histories[0].ID, at); err != nil {
		return nil, err
	}
	for id := range found {
		if !known[id] {
			t.unknown++
		}
	}
	for i, h := range t.line {
		var next *foundHistory
		if i+1 < len(t.line) {
			next = t.line[i+1]
		}
		if err := t.take(ctx, h, next, at); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// foundHistory is a history of which the bucket has objects.
type foundHistory struct {
	lineage
	first   map[uuid.UUID]uint64 // where each stream's objects begin
	streams []ledger.Stream
}

var errEnough = errors.New("enough")

// look lists histories and their streams: one listing for each stream, since
// what follows the first object is skipped.
func (t *Tail) look(ctx context.Context) (map[uuid.UUID]*foundHistory, error) {
	found := map[uuid.UUID]*foundHistory{}
	for after := ""; ; {
		key := ""
		err := t.bucket.List(ctx, ledgerPrefix, after, func(k string, _ int64) error {
			key = k
			return errEnough
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, fmt.Errorf("list what was shipped: %w", err)
		}
		if key == "" {
			return found, nil
		}
		history, centre, from, ok := parseKey(key)
		if !ok {
			return nil, fmt.Errorf("%w %s: it is none of a server's", errObject, key)
		}
		o, err := t.read(ctx, key)
		if err != nil {
			return nil, err
		}
		f := found[history]
		if f == nil {
			f = &foundHistory{lineage: o.lineage, first: map[uuid.UUID]uint64{}}
			found[history] = f
		}
		f.first[centre] = from
		f.streams = append(f.streams, o.stream)
		after = streamPrefix(history, centre) + "~" // behind all numbers
	}
}

// follow orders the histories that follow each other from one on.
func follow(found map[uuid.UUID]*foundHistory, id uuid.UUID, at map[uuid.UUID]uint64) ([]*foundHistory, error) {
	first := found[id]
	if first == nil {
		first = &foundHistory{lineage: lineage{id: id}}
	}
	line := []*foundHistory{first}
	for len(line) <= len(found)+1 {
		var next *foundHistory
		for _, f := range found {
			if f.previous != line[len(line)-1].id || f.id == f.previous {
				continue
			}
			past := false
			for centre, from := range f.first {
				past = past || at[centre] >= from
			}
			if !past && (next == nil || f.began > next.began) {
				next = f
			}
		}
		if next == nil {
			return line, nil
		}
		line = append(line, next)
	}
	return nil, errors.New("the histories in the bucket go round in a circle")
}

// take lists the objects of one history behind the store's ends.
func (t *Tail) take(ctx context.Context, h, next *foundHistory, at map[uuid.UUID]uint64) error {
	for _, st := range h.streams {
		p := tailPart{history: h.id}
		if next != nil {
			if from, ok := next.first[st.Centre]; ok {
				p.until = from - 1
			}
		}
		end, known := at[st.Centre]
		begin := uint64(0)
		if end > objectBatches {
			begin = end - objectBatches // the object that holds the end may begin before it
		}
		err := t.bucket.List(ctx, streamPrefix(h.id, st.Centre), objectKey(h.id, st.Centre, begin), func(key string, _ int64) error {
			if _, _, from, ok := parseKey(key); ok && (p.until == 0 || from <= p.until) {
				p.from = append(p.from, from)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("list what was shipped: %w", err)
		}
		s := t.streams[st.Centre]
		if s == nil {
			s = &tailStream{}
			t.streams[st.Centre] = s
			if !known {
				t.fresh = append(t.fresh, st)
			}
		}
		s.parts = append(s.parts, p)
	}
	return nil
}

// Fresh are the streams that the store does not have yet.
func (t *Tail) Fresh() []ledger.Stream { return t.fresh }

// Reached are the histories that began behind the store's own and that a
// replay up to the given ends came into, oldest first.
func (t *Tail) Reached(ends []ledger.Stream) []History {
	var out []History
	for _, h := range t.line[1:] {
		if slices.ContainsFunc(ends, func(e ledger.Stream) bool {
			from, ok := h.first[e.Centre]
			return ok && e.Pos >= from
		}) {
			out = append(out, History{ID: h.id, StartedAt: h.began})
		}
	}
	return out
}

// Unknown counts the histories in the bucket that the store does not have: each
// has used up revs of its own, in every stream, behind a restore.
func (t *Tail) Unknown() int { return t.unknown }

// Batches satisfies ledger.Source. A place that no object holds ends the
// stream; an object that does not hold is an error.
func (t *Tail) Batches(ctx context.Context, centre uuid.UUID, after uint64, limit int) ([]ledger.Batch, error) {
	s := t.streams[centre]
	if s == nil {
		return nil, nil
	}
	want := after + 1
	for _, p := range s.parts {
		if p.until != 0 && want > p.until {
			continue
		}
		i, exact := slices.BinarySearch(p.from, want)
		if !exact {
			i--
		}
		if i < 0 {
			continue
		}
		o, err := s.object(ctx, t, objectKey(p.history, centre, p.from[i]))
		if err != nil {
			return nil, err
		}
		if want > o.to {
			continue
		}
		out := o.batches[want-o.from:]
		if p.until != 0 && o.to > p.until {
			out = out[:p.until-want+1]
		}
		return out[:min(limit, len(out))], nil
	}
	return nil, nil
}

func (s *tailStream) object(ctx context.Context, t *Tail, key string) (*shipped, error) {
	if s.last != nil && objectKey(s.last.id, s.last.stream.Centre, s.last.from) == key {
		return s.last, nil
	}
	o, err := t.read(ctx, key)
	if err != nil {
		return nil, err
	}
	s.last = o
	return o, nil
}

func (t *Tail) read(ctx context.Context, key string) (*shipped, error) {
	raw, err := t.bucket.Get(ctx, key, maxObject)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return open(key, raw, t.keys)
}
