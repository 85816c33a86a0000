package api

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// form is how one of the two encodings writes what they do not share
// (protocol §10).
type form interface {
	id(uuid.UUID) any
	hlc(uint64) any
	cell(table, column string, v schema.Value) any
	arg(v any) any
}

// cborForm writes ids and bytes as byte strings and numbers as they are.
type cborForm struct{}

func (cborForm) id(id uuid.UUID) any                  { return id[:] }
func (cborForm) hlc(n uint64) any                     { return n }
func (cborForm) cell(_, _ string, v schema.Value) any { return v }
func (f cborForm) arg(v any) any                      { return walk(v, f.leaf) }
func (f cborForm) leaf(v any) any {
	if id, ok := v.(uuid.UUID); ok {
		return id[:]
	}
	return v
}

// jsonForm writes a uuid as text, a blob as hex, bytes as base64, and the
// hybrid time as text, because it does not fit a float.
type jsonForm struct{ schema *schema.Descriptor }

func (jsonForm) id(id uuid.UUID) any { return id.String() }
func (jsonForm) hlc(n uint64) any    { return strconv.FormatUint(n, 10) }

func (f jsonForm) cell(table, column string, v schema.Value) any {
	b, ok := v.([]byte)
	if !ok {
		return v
	}
	var kind schema.Type
	if t := f.schema.Table(table); t != nil {
		if c := t.Column(column); c != nil {
			kind = c.Type
		}
	}
	switch {
	case kind == schema.UUID && len(b) == 16:
		return uuid.UUID(b).String()
	case kind == schema.Blob:
		return hex.EncodeToString(b)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func (f jsonForm) arg(v any) any { return walk(v, f.leaf) }

func (jsonForm) leaf(v any) any {
	switch v := v.(type) {
	case uuid.UUID:
		return v.String()
	case []byte:
		if len(v) == 16 {
			return uuid.UUID(v).String()
		}
		return base64.StdEncoding.EncodeToString(v)
	}
	return v
}

// walk applies leaf to everything inside an instruction's arguments.
func walk(v any, leaf func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = walk(x, leaf)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = walk(x, leaf)
		}
		return out
	}
	return leaf(v)
}

// pageTree is a page as maps and lists, the same for both encodings. What
// belongs to the last page alone is absent from the others.
func pageTree(p *syncproto.Page, f form) map[string]any {
	tree := map[string]any{
		"history":      f.id(p.History),
		"rows":         rowTrees(p.Rows, f),
		"removed":      removedTrees(p.Removed, f),
		"instructions": instructionTrees(p.Instructions, f),
		"hlc":          f.hlc(p.HLC),
		"next":         p.Next,
		"more":         p.More,
	}
	if p.More {
		return tree
	}
	tree["passed"] = nil
	if p.Passed != nil {
		tree["passed"] = map[string]any{"epoch": f.id(p.Passed.Epoch), "seq": p.Passed.Seq}
	}
	sums := make([]any, len(p.Checksums))
	for i, c := range p.Checksums {
		sums[i] = map[string]any{"root": f.id(c.Root), "count": c.Count, "sum": c.Sum}
	}
	tree["checksums"] = sums
	if p.Total != nil {
		tree["total"] = map[string]any{"count": p.Total.Count, "sum": p.Total.Sum}
	}
	return tree
}

func rowTrees(rows []syncproto.Row, f form) []any {
	out := make([]any, len(rows))
	for i, r := range rows {
		cols := make(map[string]any, len(r.Cols))
		for name, v := range r.Cols {
			cols[name] = f.cell(r.Table, name, v)
		}
		out[i] = map[string]any{"table": r.Table, "row": f.id(r.ID), "root": f.id(r.Root), "rev": r.Rev, "cols": cols}
	}
	return out
}

func removedTrees(removed []syncproto.Removed, f form) []any {
	out := make([]any, len(removed))
	for i, r := range removed {
		m := map[string]any{"why": r.Why}
		if r.Root != nil {
			m["root"] = f.id(*r.Root)
		} else {
			m["table"] = r.Table
			if r.Row != nil {
				m["row"] = f.id(*r.Row)
			}
		}
		out[i] = m
	}
	return out
}

func instructionTrees(list []syncproto.Instruction, f form) []any {
	out := make([]any, len(list))
	for i, in := range list {
		args := in.Args
		if args == nil {
			args = map[string]any{}
		}
		out[i] = map[string]any{"id": f.id(in.ID), "kind": in.Kind, "args": f.arg(args)}
	}
	return out
}

// marshalJSON writes text as it is: nothing of a page is put into HTML.
func marshalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// pageSample is the form of a page in JSON, for /openapi.json.
type pageSample struct {
	History uuid.UUID `json:"history"`
	Rows    []struct {
		Table string         `json:"table"`
		Row   uuid.UUID      `json:"row"`
		Root  uuid.UUID      `json:"root"`
		Rev   uint64         `json:"rev"`
		Cols  map[string]any `json:"cols"`
	} `json:"rows"`
	Removed []struct {
		Table string     `json:"table,omitempty"`
		Row   *uuid.UUID `json:"row,omitempty"`
		Root  *uuid.UUID `json:"root,omitempty"`
		Why   string     `json:"why"`
	} `json:"removed"`
	Instructions []struct {
		ID   uuid.UUID      `json:"id"`
		Kind string         `json:"kind"`
		Args map[string]any `json:"args"`
	} `json:"instructions"`
	HLC    string `json:"hlc"`
	Next   string `json:"next"`
	More   bool   `json:"more"`
	Passed *struct {
		Epoch uuid.UUID `json:"epoch"`
		Seq   uint64    `json:"seq"`
	} `json:"passed,omitempty"`
	Checksums []RepairRoot `json:"checksums,omitempty"`
	Total     *struct {
		Count int    `json:"count"`
		Sum   string `json:"sum"`
	} `json:"total,omitempty"`
}
