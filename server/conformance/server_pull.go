package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// page is a page of a pull as CBOR holds it.
type page struct {
	History uuid.UUID `cbor:"history"`
	Rows    []pageRow `cbor:"rows"`
	Removed []struct {
		Table string     `cbor:"table"`
		Row   *uuid.UUID `cbor:"row"`
		Root  *uuid.UUID `cbor:"root"`
		Why   string     `cbor:"why"`
	} `cbor:"removed"`
	Instructions []any  `cbor:"instructions"`
	HLC          uint64 `cbor:"hlc"`
	Next         string `cbor:"next"`
	More         bool   `cbor:"more"`
	Passed       *struct {
		Epoch uuid.UUID `cbor:"epoch"`
		Seq   uint64    `cbor:"seq"`
	} `cbor:"passed"`
	Checksums []sumOf `cbor:"checksums"`
	Total     *sumOf  `cbor:"total"`
}

type pageRow struct {
	Table string         `cbor:"table"`
	Row   uuid.UUID      `cbor:"row"`
	Root  uuid.UUID      `cbor:"root"`
	Rev   uint64         `cbor:"rev"`
	Cols  map[string]any `cbor:"cols"`
}

type sumOf struct {
	Root  uuid.UUID `cbor:"root" json:"root"`
	Count int       `cbor:"count" json:"count"`
	Sum   string    `cbor:"sum" json:"sum"`
}

// pull asks for one page in CBOR.
func (d *device) pull(ctx context.Context, cursor string, limit int) (*page, answer, error) {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	a, err := d.call(ctx, http.MethodGet, syncproto.PathPull+"?"+q.Encode(), d.answer.AccessToken, nil, "Accept", syncproto.TypeCBOR)
	if err != nil || a.status != 200 {
		return nil, a, err
	}
	p, err := readPage(a.body)
	return p, a, err
}

func readPage(b []byte) (*page, error) {
	p := &page{}
	if err := cbor.Unmarshal(b, p); err != nil {
		return nil, differs("a page in CBOR", err)
	}
	return p, nil
}

// pullAll pulls to the end; the last page is returned with all rows.
func (d *device) pullAll(ctx context.Context, cursor string, limit int) (*page, error) {
	var rows []pageRow
	for range 100_000 {
		p, a, err := d.pull(ctx, cursor, limit)
		if err != nil {
			return nil, err
		}
		if p == nil {
			return nil, differs("200", a)
		}
		if limit > 0 && len(p.Rows)+len(p.Removed) > limit {
			return nil, differs(fmt.Sprintf("at most %d rows", limit), len(p.Rows)+len(p.Removed))
		}
		rows = append(rows, p.Rows...)
		if !p.More {
			p.Rows = rows
			return p, nil
		}
		if p.Next == "" || p.Next == cursor || p.Passed != nil || p.Total != nil {
			return nil, differs("a cursor that moves, and nothing of a last page, while there is more", p.Next)
		}
		cursor = p.Next
	}
	return nil, differs("an end", "100,000 pages")
}

// rowNow is a row as the first phone is given it now.
func (s *site) rowNow(ctx context.Context, table string, id uuid.UUID) (pageRow, error) {
	p, err := s.main.pullAll(ctx, "", 1000)
	if err != nil {
		return pageRow{}, err
	}
	for _, r := range p.Rows {
		if r.Table == table && r.Row == id {
			return r, nil
		}
	}
	return pageRow{}, differs("the row "+table+" "+id.String(), "none")
}

func (s *site) pulls() []check {
	m := func(promise, name string, do func(context.Context) error) check { return check{"6", promise, name, do} }
	return []check{
		m("P6", "a cold start gives history, rows, hlc, cursor; passed is the log's end", s.coldStart),
		m("P6", "checksums and total are those of the rows", s.checksums),
		m("P6", "small pages give the same rows as big ones, in the same order", s.smallPages),
		m("", "the same cursor again gives the same page", func(ctx context.Context) error {
			first, _, err := s.main.pull(ctx, "", 3)
			if err != nil || first == nil {
				return differs("200", err)
			}
			_, one, err := s.main.pull(ctx, first.Next, 3)
			if err != nil {
				return err
			}
			_, two, err := s.main.pull(ctx, first.Next, 3)
			if err == nil && !bytes.Equal(one.body, two.body) {
				err = differs("the same bytes", "others")
			}
			return err
		}),
		m("", "a cursor at the end gives nothing, then exactly what changed", s.onlyNews),
		m("", "the JSON page is the CBOR page", s.sameInJSON),
		m("P7", "a cursor of another person, an altered one and noise: 400 cursor-invalid", s.foreignCursors),
		m("", "limit 0, 1001, −1 and a word: 400 limit-invalid; 1 and 1000 are taken", func(ctx context.Context) error {
			for _, l := range []string{"0", "1001", "-1", "viele"} {
				a, err := s.call(ctx, http.MethodGet, syncproto.PathPull+"?limit="+l, s.main.answer.AccessToken, nil)
				if err != nil {
					return err
				}
				if err := a.refused(syncproto.LimitInvalid); err != nil {
					return err
				}
			}
			for _, l := range []int{1, 1000} {
				if _, a, err := s.main.pull(ctx, "", l); err != nil || a.status != 200 {
					return differs("200", fmt.Sprint(a, err))
				}
			}
			return nil
		}),
		m("P7", "another installer is given none of the first one's rows", s.onlyYours),
		m("", "a page in zstd where Accept-Encoding names it", func(ctx context.Context) error {
			a, err := s.call(ctx, http.MethodGet, syncproto.PathPull, s.main.answer.AccessToken, nil, "Accept", syncproto.TypeCBOR, "Accept-Encoding", "zstd")
			if err != nil {
				return err
			}
			if a.header.Get("Content-Encoding") != "zstd" {
				return differs("Content-Encoding zstd", a.header.Get("Content-Encoding"))
			}
			dec, err := zstd.NewReader(nil)
			if err != nil {
				return err
			}
			defer dec.Close()
			b, err := dec.DecodeAll(a.body, nil)
			if err == nil {
				_, err = readPage(b)
			}
			return err
		}),
	}
}

func (s *site) coldStart(ctx context.Context) error {
	d := s.main
	p, err := d.pullAll(ctx, "", 0)
	if err != nil {
		return err
	}
	if p.History != d.answer.History || len(p.Rows) == 0 || p.HLC == 0 || p.Next == "" || len(p.Removed) != 0 || p.Total == nil {
		return differs("history, rows, hlc, a cursor, a total and no removals", fmt.Sprintf("%s, %d rows, %d removed", p.History, len(p.Rows), len(p.Removed)))
	}
	if p.Passed == nil || p.Passed.Seq != d.seq && p.Passed.Epoch == d.epoch {
		return differs(fmt.Sprintf("passed %d", d.seq), fmt.Sprintf("%+v", p.Passed))
	}
	return nil
}

// sums are the checksums of rows by root, and the total under uuid.Nil.
func sums(rows []pageRow) map[uuid.UUID]sumOf {
	parts, out := map[uuid.UUID]uint64{}, map[uuid.UUID]sumOf{}
	for _, r := range rows {
		for _, root := range []uuid.UUID{r.Root, uuid.Nil} {
			parts[root] += schema.RowSum(r.Table, r.Row, r.Rev)
			out[root] = sumOf{root, out[root].Count + 1, schema.SumText(parts[root])}
		}
	}
	return out
}

func (s *site) checksums(ctx context.Context) error {
	p, err := s.main.pullAll(ctx, "", 1000)
	if err != nil {
		return err
	}
	want := sums(p.Rows)
	for _, c := range p.Checksums {
		w := want[c.Root]
		if c.Count != w.Count || c.Count > 0 && c.Sum != w.Sum || c.Count == 0 && c.Sum != schema.SumText(0) {
			return differs(fmt.Sprintf("%+v", w), fmt.Sprintf("%+v", c))
		}
		delete(want, c.Root)
	}
	if t := want[uuid.Nil]; p.Total.Count != t.Count || p.Total.Sum != t.Sum {
		return differs(fmt.Sprintf("total %+v", t), fmt.Sprintf("%+v", *p.Total))
	}
	if len(want) != 1 {
		return differs("a checksum of each root that changed", fmt.Sprintf("%d missing", len(want)-1))
	}
	return nil
}

func names(rows []pageRow) []string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprintf("%s/%s@%d", r.Table, r.Row, r.Rev))
	}
	return out
}

func (s *site) smallPages(ctx context.Context) error {
	big, err := s.main.pullAll(ctx, "", 1000)
	if err != nil {
		return err
	}
	small, err := s.main.pullAll(ctx, "", 37)
	if err != nil {
		return err
	}
	a, b := names(big.Rows), names(small.Rows)
	if !slices.Equal(a, b) {
		return differs(fmt.Sprintf("%d rows", len(a)), fmt.Sprintf("%d rows, or in another order", len(b)))
	}
	slices.Sort(a)
	if n := len(slices.Compact(a)); n != len(b) {
		return differs("each row once", fmt.Sprintf("%d of %d", n, len(b)))
	}
	return nil
}

func (s *site) onlyNews(ctx context.Context) error {
	p, err := s.main.pullAll(ctx, "", 1000)
	if err != nil {
		return err
	}
	quiet, err := s.main.pullAll(ctx, p.Next, 1000)
	if err != nil {
		return err
	}
	if len(quiet.Rows) != 0 || len(quiet.Removed) != 0 {
		return differs("nothing", fmt.Sprintf("%d rows", len(quiet.Rows)))
	}
	s.main.start(newID())
	e := day("新来")
	if _, err := s.main.write(ctx, e); err != nil {
		return err
	}
	news, err := s.main.pullAll(ctx, p.Next, 1000)
	if err != nil {
		return err
	}
	if len(news.Rows) != 1 || news.Rows[0].Row != e.row || news.Rows[0].Cols["text"] != "新来" || news.Rows[0].Root != s.main.answer.Person {
		return differs("the one new row under the person's root", fmt.Sprintf("%v", names(news.Rows)))
	}
	if news.Passed == nil || news.Passed.Seq != s.main.seq {
		return differs(fmt.Sprintf("passed %d", s.main.seq), fmt.Sprintf("%+v", news.Passed))
	}
	return nil
}

func (s *site) foreignCursors(ctx context.Context) error {
	p, _, err := s.main.pull(ctx, "", 1)
	if err != nil || p == nil {
		return differs("200", err)
	}
	cursors := []string{"nonsense", strings.Repeat("A", 5000), swapped(p.Next), p.Next + "A"}
	by := []*device{s.main, s.main, s.main, s.main}
	if s.hasOther() == nil {
		cursors, by = append(cursors, p.Next), append(by, s.other)
	}
	for i, c := range cursors {
		_, a, err := by[i].pull(ctx, c, 1)
		if err != nil {
			return err
		}
		if err := a.refused(syncproto.CursorInvalid); err != nil {
			return err
		}
	}
	return nil
}

// swapped exchanges two characters in the middle that differ.
func swapped(s string) string {
	b := []byte(s)
	for i := len(b) / 2; i+1 < len(b); i++ {
		if b[i] != b[i+1] {
			b[i], b[i+1] = b[i+1], b[i]
			break
		}
	}
	return string(b)
}

func (s *site) onlyYours(ctx context.Context) error {
	if err := s.hasOther(); err != nil {
		return err
	}
	p, err := s.other.pullAll(ctx, "", 1000)
	if err != nil {
		return err
	}
	for _, r := range p.Rows {
		if r.Table == "day_summary" || s.job != nil && (r.Root == s.job.id || r.Row == s.job.contact) || r.Root == s.main.answer.Person {
			return differs("none of the first installer's rows", r.Table+" "+r.Row.String())
		}
	}
	return nil
}

// sameInJSON compares the two encodings of one page, cell by cell.
func (s *site) sameInJSON(ctx context.Context) error {
	c, err := s.main.pullAll(ctx, "", 1000)
	if err != nil {
		return err
	}
	a, err := s.call(ctx, http.MethodGet, syncproto.PathPull+"?limit=1000", s.main.answer.AccessToken, nil, "Accept", syncproto.TypeJSON)
	if err != nil {
		return err
	}
	var j struct {
		History, HLC string
		Rows         []struct {
			Table, Row, Root string
			Rev              uint64
			Cols             map[string]any
		}
	}
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.UseNumber()
	if err := dec.Decode(&j); err != nil {
		return differs("a page in JSON", err)
	}
	if j.History != c.History.String() || j.HLC == "" {
		return differs(c.History, j.History)
	}
	for i, r := range j.Rows {
		o := c.Rows[i]
		if r.Table != o.Table || r.Row != o.Row.String() || r.Root != o.Root.String() || r.Rev != o.Rev || len(r.Cols) != len(o.Cols) {
			return differs(names(c.Rows[i : i+1])[0], r.Table+" "+r.Row)
		}
		for name, v := range o.Cols {
			if got := fmt.Sprint(r.Cols[name]); got != inJSON(v) && !isText(v, got) {
				return differs(fmt.Sprintf("%s.%s: %s", r.Table, name, inJSON(v)), got)
			}
		}
	}
	return nil
}

// inJSON is a cell's value as text, as JSON shows ids, numbers and null.
func inJSON(v any) string {
	switch v := v.(type) {
	case nil:
		return "<nil>"
	case []byte:
		if len(v) == 16 {
			return uuid.UUID(v).String()
		}
		return hex.EncodeToString(v)
	}
	return fmt.Sprint(v)
}

// isText says whether bytes are given as base64 or hex; ids are compared above.
func isText(v any, got string) bool {
	b, ok := v.([]byte)
	return ok && len(b) != 16 && len(got) > 0
}
