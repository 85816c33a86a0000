package clientsdk_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

func (s *fakeServer) visible() []*fakeRow {
	var out []*fakeRow
	for _, r := range s.rows {
		if !slices.ContainsFunc(s.removed, func(g fakeRemoved) bool { return g.root == r.root }) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *fakeRow) int { return int(a.rev) - int(b.rev) })
	return out
}

func (s *fakeServer) pull(w http.ResponseWriter, r *http.Request) {
	after := uint64(0)
	if c := r.URL.Query().Get("cursor"); c != "" {
		history, rev, ok := strings.Cut(c, ":")
		if !ok {
			s.problem(w, syncproto.Problem{Code: syncproto.CursorInvalid})
			return
		}
		if history != s.history.String() {
			s.problem(w, syncproto.Problem{Code: syncproto.HistoryChanged, History: s.history.String()})
			return
		}
		n, err := strconv.ParseUint(rev, 10, 64)
		if err != nil {
			s.t.Error(err)
		}
		after = n
	}
	rows, removed, next, more := []any{}, []any{}, after, false
	for _, row := range s.visible() {
		if row.rev <= after {
			continue
		}
		if len(rows) == s.pageRows {
			more = true
			break
		}
		rows = append(rows, s.rowTree(row))
		next = row.rev
	}
	if !more {
		for _, g := range s.removed {
			if g.rev > after && g.table != "" {
				removed = append(removed, map[string]any{"table": g.table, "row": g.row[:], "why": syncproto.WhyDeleted})
			} else if g.rev > after {
				removed = append(removed, map[string]any{"root": g.root[:], "why": "left"})
			}
		}
		next = s.rev
	}
	page := map[string]any{"history": s.history[:], "rows": rows, "removed": removed, "instructions": []any{}, "hlc": uint64(0),
		"next": fmt.Sprintf("%s:%d", s.history, next), "more": more}
	if !more {
		s.end(page)
	}
	s.cbor(w, page)
}

func (s *fakeServer) rowTree(row *fakeRow) map[string]any {
	cols := map[string]any{}
	if t := s.schema.Table(row.table); t != nil {
		for _, c := range t.Columns {
			cols[c.Name] = nil
		}
	}
	for k, v := range row.cols {
		cols[k] = v
	}
	return map[string]any{"table": row.table, "row": row.id[:], "root": row.root[:], "rev": row.rev, "cols": cols}
}

func (s *fakeServer) cbor(w http.ResponseWriter, v any) {
	b, err := s.codec.Marshal(v)
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", syncproto.TypeCBOR)
	_, _ = w.Write(b)
}

// end adds what only a pull's last page has.
func (s *fakeServer) end(page map[string]any) {
	orders := []any{}
	for _, o := range s.orders {
		if s.acked[o.ID] == "" {
			orders = append(orders, map[string]any{"id": o.ID[:], "kind": o.Kind, "args": o.Args})
		}
	}
	page["instructions"] = orders
	page["passed"] = nil
	if l := s.logs[s.last]; l != nil {
		page["passed"] = map[string]any{"epoch": s.last[:], "seq": len(l.changes)}
	}
	sums := map[uuid.UUID]uint64{}
	counts := map[uuid.UUID]int{}
	total, count := uint64(0), 0
	for _, r := range s.visible() {
		v := versionSum(r)
		sums[r.root] += v
		counts[r.root]++
		total += v
		count++
	}
	if s.spoil {
		s.spoil = false
		total++
	}
	list := []any{}
	for root, v := range sums {
		list = append(list, map[string]any{"root": root[:], "count": counts[root], "sum": fmt.Sprintf("%016x", v)})
	}
	page["checksums"] = list
	page["total"] = map[string]any{"count": count, "sum": fmt.Sprintf("%016x", total)}
}

func versionSum(r *fakeRow) uint64 {
	b := append([]byte(r.table), 0)
	b = append(b, r.id[:]...)
	h := sha256.Sum256(binary.BigEndian.AppendUint64(b, r.rev))
	return binary.BigEndian.Uint64(h[:8])
}

func (s *fakeServer) repair(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Roots []struct {
			Root  uuid.UUID
			Count int
			Sum   string
		}
	}
	if err := json.Unmarshal(s.body(r), &req); err != nil {
		s.t.Error(err)
	}
	removed, rows := []any{}, []any{}
	for _, root := range req.Roots {
		removed = append(removed, map[string]any{"root": root.Root[:], "why": "left"})
	}
	for _, row := range s.visible() {
		rows = append(rows, s.rowTree(row))
	}
	s.cbor(w, map[string]any{"history": s.history[:], "rows": rows, "removed": removed, "instructions": []any{}, "hlc": uint64(0), "next": "", "more": false})
}

// events opens a stream that ends with the request.
func (s *fakeServer) events(r *http.Request) (*http.Response, error) {
	read, write := io.Pipe()
	go func() {
		_, _ = io.WriteString(write, ": hello\n\n")
		<-r.Context().Done()
		_ = write.CloseWithError(r.Context().Err())
	}()
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: read, Request: r}, nil
}
