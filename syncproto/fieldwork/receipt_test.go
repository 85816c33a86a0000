package fieldwork_test

import (
	"errors"
	"slices"
	"testing"

	"siteledger/syncproto/fieldwork"
)

func TestReceiptNumber(t *testing.T) {
	for _, tc := range []struct {
		prefix string
		n      int64
		no     string
	}{
		{"SC01", 123, "SC01-000123"}, {"SC-01", 1, "SC-01-000001"}, {"京", 999999, "京-999999"}, {"A", 1000000, "A-1000000"},
	} {
		if got := fieldwork.Format(tc.prefix, tc.n); got != tc.no {
			t.Errorf("Format(%s, %d) = %s", tc.prefix, tc.n, got)
		}
		if p, n, err := fieldwork.Parse(tc.no); err != nil || p != tc.prefix || n != tc.n {
			t.Errorf("Parse(%s) = %s, %d, %v", tc.no, p, n, err)
		}
	}
	if got := fieldwork.Format("QK7-3F9ZD-", 5); got != "QK7-3F9ZD-000005" {
		t.Errorf("a prefix with its hyphen gave %s", got)
	}
	for _, no := range []string{"", "A--000001", "SC01", "SC01-", "SC01-123", "-000123", "SC01-000000", "SC01-0000123", "SC01-00012x", "SC01-+00123", "SC01--00123", " SC01-00123", "SC01-000123 ", "SC01-99999999999999999999"} {
		if p, n, err := fieldwork.Parse(no); !errors.Is(err, fieldwork.ErrReceiptNumber) {
			t.Errorf("Parse(%q) = %s, %d, %v", no, p, n, err)
		}
	}
}

func TestWithin(t *testing.T) {
	ranges := []fieldwork.Range{{Prefix: "A", From: 100, To: 199}, {Prefix: "A-", From: 300, To: 399}}
	for no, want := range map[string]bool{
		"A-000100": true, "A-000199": true, "A-000300": true, "A-000099": false, "A-000200": false, "B-000100": false, "nonsense": false,
	} {
		if got := fieldwork.Within(no, ranges); got != want {
			t.Errorf("%s: %v", no, got)
		}
	}
}

func TestNextIn(t *testing.T) {
	r := fieldwork.Range{Prefix: "A", From: 7, To: 9}
	var got []string
	for last, ok := int64(0), true; ok; {
		var no string
		if no, last, ok = fieldwork.NextIn(r, last); ok {
			got = append(got, no)
		}
	}
	if !slices.Equal(got, []string{"A-000007", "A-000008", "A-000009"}) {
		t.Errorf("issued %v", got)
	}
	if _, _, ok := fieldwork.NextIn(r, 50); ok {
		t.Error("issued a number beyond the range")
	}
	if _, _, ok := fieldwork.NextIn(fieldwork.Range{Prefix: "A"}, 0); ok {
		t.Error("issued a number of an empty range")
	}
}

func TestGaps(t *testing.T) {
	r := fieldwork.Range{Prefix: "A", From: 10, To: 20}
	gap := func(from, to int64) fieldwork.Range { return fieldwork.Range{Prefix: "A", From: from, To: to} }
	for _, tc := range []struct {
		name string
		used []int64
		upTo int64
		want []fieldwork.Range
	}{
		{"none missing", []int64{10, 11, 12}, 12, nil},
		{"unordered and repeated", []int64{12, 10, 11, 11}, 12, nil},
		{"one in the middle", []int64{10, 12}, 12, []fieldwork.Range{gap(11, 11)}},
		{"two gaps and a tail", []int64{11, 14}, 16, []fieldwork.Range{gap(10, 10), gap(12, 13), gap(15, 16)}},
		{"nothing used yet", nil, 12, []fieldwork.Range{gap(10, 12)}},
		{"nothing issued yet", nil, 9, nil},
		{"never beyond the range", []int64{10}, 99, []fieldwork.Range{gap(11, 20)}},
		{"numbers outside do not count", []int64{5, 25, 10}, 11, []fieldwork.Range{gap(11, 11)}},
		{"used above upTo", []int64{10, 15}, 11, []fieldwork.Range{gap(11, 11)}},
		{"whole range", []int64{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, 20, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := fieldwork.Gaps(r, tc.used, tc.upTo); !slices.Equal(got, tc.want) {
				t.Errorf("gaps %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRepeated(t *testing.T) {
	if got := fieldwork.Repeated([]string{"B-000002", "A-000001", "B-000002", "A-000001", "B-000002", "C-000003"}); !slices.Equal(got, []string{"A-000001", "B-000002"}) {
		t.Errorf("got %v", got)
	}
	if got := fieldwork.Repeated([]string{"A-000001", "A-000002"}); got != nil {
		t.Errorf("got %v", got)
	}
}
