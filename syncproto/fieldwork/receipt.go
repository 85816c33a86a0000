package fieldwork

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Range is a block of receipt numbers leased to one device, both ends
// inclusive (FP-03). The JSON form is the protocol's. A prefix may carry the
// hyphen before the number or leave it out; it is the same prefix.
type Range struct {
	Prefix string `json:"prefix"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
}

// ErrReceiptNumber is wrapped by every refusal of [Parse].
var ErrReceiptNumber = errors.New("not a receipt number")

const digits = 6

// Format writes a receipt number: the prefix, a hyphen and the number with at
// least six digits, such as "SC01-000123". There is no check digit.
func Format(prefix string, n int64) string {
	return fmt.Sprintf("%s-%0*d", bare(prefix), digits, n)
}

func bare(prefix string) string { return strings.TrimSuffix(prefix, "-") }

// Parse reads a receipt number; the prefix comes without its hyphen. Only what
// [Format] writes is one, so that two spellings of one number cannot exist.
func Parse(no string) (prefix string, n int64, err error) {
	i := strings.LastIndexByte(no, '-')
	if i < 1 || len(no)-i-1 < digits {
		return "", 0, fmt.Errorf("%w: %q", ErrReceiptNumber, no)
	}
	n, err = strconv.ParseInt(no[i+1:], 10, 64)
	if err != nil || n < 1 || Format(no[:i], n) != no {
		return "", 0, fmt.Errorf("%w: %q", ErrReceiptNumber, no)
	}
	return no[:i], n, nil
}

// Within says whether a number lies in one of the ranges. What is no receipt
// number lies in none.
func Within(no string, ranges []Range) bool {
	prefix, n, err := Parse(no)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(ranges, func(r Range) bool { return bare(r.Prefix) == prefix && r.From <= n && n <= r.To })
}

// NextIn gives the number after last in a range; last is 0 (or anything below
// From) while the range is unused. It is false when the range is used up, and
// then the phone issues no receipt rather than a number of its own.
func NextIn(r Range, last int64) (no string, n int64, ok bool) {
	n = max(r.From, 1)
	if last >= n {
		if last >= r.To {
			return "", 0, false
		}
		n = last + 1
	}
	if n > r.To {
		return "", 0, false
	}
	return Format(r.Prefix, n), n, true
}

// Gaps lists the numbers of a range up to upTo that are not in used, as ranges
// in rising order (FP-03: a missing number is visible). upTo is normally the
// highest number known to be issued; numbers outside the range are ignored, in
// any order and repeated.
func Gaps(r Range, used []int64, upTo int64) []Range {
	sorted := slices.Clone(used)
	slices.Sort(sorted)
	last := min(upTo, r.To)
	var out []Range
	next := r.From
	for _, n := range sorted {
		if n < next {
			continue
		}
		if n > last {
			break
		}
		if n > next {
			out = append(out, Range{r.Prefix, next, n - 1})
		}
		if n == last {
			return out
		}
		next = n + 1
	}
	if next <= last {
		out = append(out, Range{r.Prefix, next, last})
	}
	return out
}

// Repeated lists the numbers that occur more than once, sorted: each is a case
// for a person (FP-03).
func Repeated(nos []string) []string {
	seen := make(map[string]int, len(nos))
	var out []string
	for _, no := range nos {
		if seen[no]++; seen[no] == 2 {
			out = append(out, no)
		}
	}
	slices.Sort(out)
	return out
}
