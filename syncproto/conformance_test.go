package syncproto_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

var update = flag.Bool("update", false, "write the conformance vectors from the code")

const vectors = "../testdata/conformance"

// conform compares a vector file with what the code gives. With -update it
// writes the file first.
func conform[T any](t *testing.T, name string, fromCode T) T {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(fromCode); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(vectors, name)
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, b.Bytes()) {
		t.Errorf("%s is not what the code gives; where the code is right, go test ./syncproto -run Conformance -update\ngot %s", name, b.Bytes())
	}
	var out T
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// value is one cell in a vector: exactly one member is there, or null is true.
type value struct {
	Null  bool     `json:"null,omitempty"`
	Bool  *bool    `json:"bool,omitempty"`
	Int   *string  `json:"int,omitempty"` // decimal text, because JSON readers round
	Float *float64 `json:"float,omitempty"`
	Text  *string  `json:"text,omitempty"`
	Bytes *string  `json:"bytes,omitempty"` // hex
}

func toValue(v any) value {
	switch v := v.(type) {
	case bool:
		return value{Bool: &v}
	case int64:
		s := strconv.FormatInt(v, 10)
		return value{Int: &s}
	case float64:
		return value{Float: &v}
	case string:
		return value{Text: &v}
	case []byte:
		s := hex.EncodeToString(v)
		return value{Bytes: &s}
	}
	return value{Null: true}
}

func (v value) cell(t *testing.T) any {
	t.Helper()
	switch {
	case v.Bool != nil:
		return *v.Bool
	case v.Int != nil:
		n, err := strconv.ParseInt(*v.Int, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	case v.Float != nil:
		return *v.Float
	case v.Text != nil:
		return *v.Text
	case v.Bytes != nil:
		return unhex(t, *v.Bytes)
	}
	return nil
}

func toValues(m map[string]any) map[string]value {
	if m == nil {
		return nil
	}
	out := make(map[string]value, len(m))
	for k, v := range m {
		out[k] = toValue(v)
	}
	return out
}

func cells(t *testing.T, m map[string]value) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v.cell(t)
	}
	return out
}

// change is a change in a vector. Ids are text, the salt hex, numbers that may
// be beyond 53 bits decimal text.
type change struct {
	Seq    string           `json:"seq"`
	HLC    string           `json:"hlc"`
	Wall   string           `json:"wall"`
	Txn    string           `json:"txn"`
	Last   bool             `json:"last"`
	Table  string           `json:"table"`
	Row    uuid.UUID        `json:"row"`
	Op     uint8            `json:"op"`
	Base   string           `json:"base"`
	Cols   map[string]value `json:"cols"`
	Actor  uuid.UUID        `json:"actor"`
	Schema string           `json:"schema"`
	Was    map[string]value `json:"was,omitempty"`
	HasWas bool             `json:"has_was"` // an update with an empty was has one too
	Boot   uuid.UUID        `json:"boot"`
	Mono   string           `json:"mono"`
	Salt   string           `json:"salt"`
}

func u64(n uint64) string { return strconv.FormatUint(n, 10) }

func toChange(c *changelog.Change) change {
	return change{Seq: u64(c.Seq), HLC: u64(c.HLC), Wall: strconv.FormatInt(c.Wall, 10), Txn: u64(c.Txn), Last: c.Last, Table: c.Table, Row: c.Row,
		Op: uint8(c.Op), Base: u64(c.Base), Cols: toValues(c.Cols), Actor: c.Actor, Schema: u64(c.Schema), Was: toValues(c.Was), HasWas: c.Was != nil,
		Boot: c.Boot, Mono: u64(c.Mono), Salt: hex.EncodeToString(c.Salt[:])}
}

func (c change) decoded(t *testing.T) *changelog.Change {
	t.Helper()
	num := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	wall, err := strconv.ParseInt(c.Wall, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	out := &changelog.Change{Seq: num(c.Seq), HLC: num(c.HLC), Wall: wall, Txn: num(c.Txn), Last: c.Last, Table: c.Table, Row: c.Row, Op: changelog.Op(c.Op),
		Base: num(c.Base), Cols: cells(t, c.Cols), Actor: c.Actor, Schema: num(c.Schema), Was: cells(t, c.Was), Boot: c.Boot, Mono: num(c.Mono),
		Salt: [16]byte(unhex(t, c.Salt))}
	if c.HasWas && out.Was == nil {
		out.Was = map[string]any{}
	}
	return out
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fixed makes the id that every vector uses for a number.
func fixed(n byte) uuid.UUID {
	return uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-0000000000" + hex.EncodeToString([]byte{n}))
}

func newCodec(t *testing.T) *changelog.Codec {
	t.Helper()
	c, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every vector file is checked by a test here and named in the README.
func TestConformanceFilesAreListed(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(vectors, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(vectors)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.Contains(string(readme), "`"+e.Name()+"`") && e.Name() != "README.md" {
			t.Errorf("%s is not in the README", e.Name())
		}
	}
}
