package schema_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

func TestFits(t *testing.T) {
	text := schema.Column{Type: schema.Text, Max: 6}
	oneOf := schema.Column{Type: schema.Text, Values: []string{"a", "b"}}
	for _, tc := range []struct {
		name string
		c    schema.Column
		v    schema.Value
		want bool
	}{
		{"nil where not required", schema.Column{Type: schema.Int}, nil, true},
		{"nil where required", schema.Column{Type: schema.Int, Required: true}, nil, false},
		{"NUL in a text", schema.Column{Type: schema.Text}, "a\x00b", false},
		{"bool", schema.Column{Type: schema.Bool}, true, true},
		{"number for a bool", schema.Column{Type: schema.Bool}, int64(1), false},
		{"int", schema.Column{Type: schema.Int, Max: 5}, int64(5), true},
		{"int over max", schema.Column{Type: schema.Int, Max: 5}, int64(6), false},
		{"negative int", schema.Column{Type: schema.Int, Max: 5}, int64(-6), true},
		{"beyond int64", schema.Column{Type: schema.Int}, uint64(math.MaxUint64), false},
		{"float for an int", schema.Column{Type: schema.Int}, 5.0, false},
		{"float for money", schema.Column{Type: schema.Money}, 5.0, false},
		{"money", schema.Column{Type: schema.Money}, int64(-1), true},
		{"time", schema.Column{Type: schema.Time}, int64(1795312800000), true},
		{"text for a time", schema.Column{Type: schema.Time}, "2026", false},
		{"float", schema.Column{Type: schema.Float, Max: 5}, 4.5, true},
		{"float over max", schema.Column{Type: schema.Float, Max: 5}, 5.5, false},
		{"int for a float", schema.Column{Type: schema.Float, Max: 5}, int64(5), true},
		{"int over max for a float", schema.Column{Type: schema.Float, Max: 5}, int64(6), false},
		{"NaN", schema.Column{Type: schema.Float}, math.NaN(), false},
		{"infinite", schema.Column{Type: schema.Float}, math.Inf(-1), false},
		{"text for a float", schema.Column{Type: schema.Float}, "5", false},
		{"text at its bytes", text, "门板", true},
		{"text over its bytes", text, "门板色", false},
		{"text that is no UTF-8", text, "\xff", false},
		{"bytes for a text", text, []byte("a"), false},
		{"empty text", text, "", true},
		{"empty text where required", schema.Column{Type: schema.Text, Required: true}, "", false},
		{"declared value", oneOf, "b", true},
		{"undeclared value", oneOf, "c", false},
		{"bytes at max", schema.Column{Type: schema.Bytes, Max: 2}, []byte{1, 2}, true},
		{"bytes over max", schema.Column{Type: schema.Bytes, Max: 2}, []byte{1, 2, 3}, false},
		{"text for bytes", schema.Column{Type: schema.Bytes}, "ab", false},
		{"uuid", schema.Column{Type: schema.UUID}, make([]byte, 16), true},
		{"short uuid", schema.Column{Type: schema.UUID}, make([]byte, 15), false},
		{"uuid as text", schema.Column{Type: schema.UUID}, uuid.Nil.String(), false},
		{"blob", schema.Column{Type: schema.Blob}, make([]byte, 32), true},
		{"blob of another hash", schema.Column{Type: schema.Blob}, make([]byte, 20), false},
		{"a list", schema.Column{Type: schema.Int}, []any{int64(1)}, false},
		{"an unknown type", schema.Column{Type: "colour"}, "red", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.c.Fits(tc.v); got != tc.want {
				t.Errorf("Fits(%v) = %v", tc.v, got)
			}
		})
	}
}

func TestNormal(t *testing.T) {
	float, num := schema.Column{Type: schema.Float}, schema.Column{Type: schema.Int}
	if got := float.Normal(int64(3)); got != 3.0 {
		t.Errorf("got %T %v", got, got)
	}
	if got := num.Normal(int64(3)); got != int64(3) {
		t.Errorf("got %T %v", got, got)
	}
}

func TestEqual(t *testing.T) {
	for _, tc := range []struct {
		a, b schema.Value
		want bool
	}{
		{nil, nil, true}, {nil, "", false}, {"a", "a", true}, {"a", "b", false}, {int64(1), int64(1), true}, {int64(1), 1.0, false},
		{[]byte{1}, []byte{1}, true}, {[]byte{1}, []byte{2}, false}, {[]byte("a"), "a", false}, {true, true, true}, {true, false, false},
		{[]byte{}, nil, false},
	} {
		if schema.Equal(tc.a, tc.b) != tc.want || schema.Equal(tc.b, tc.a) != tc.want {
			t.Errorf("%v and %v: want %v", tc.a, tc.b, tc.want)
		}
	}
}

func TestRow(t *testing.T) {
	id := uuid.New()
	r := schema.Row{Cols: map[string]schema.Value{"t": "门", "n": int64(-3), "b": true, "id": id[:], "h": []byte{1}}}
	if r.Text("t") != "门" || r.Int("n") != -3 || !r.Bool("b") || r.UUID("id") != id || len(r.Bytes("h")) != 1 {
		t.Errorf("wrong cells: %+v", r)
	}
	if r.Text("n") != "" || r.Int("t") != 0 || r.Bool("t") || r.UUID("h") != uuid.Nil || r.Bytes("t") != nil || r.Text("none") != "" {
		t.Error("a cell of another type is not empty")
	}
}

func TestLongestTextOfASignatureFitsAChange(t *testing.T) {
	max := schema.MustCurrent().Table("signature").Column("content").Max
	if c := schema.MustCurrent().Table("signature").Column("content"); !c.Fits(strings.Repeat("a", int(max))) || max > 60<<10 {
		t.Errorf("content of %d bytes does not fit a change of 64 KiB", max)
	}
}
