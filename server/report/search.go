package report

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Query is what somebody typed into the search box, taken apart.
type Query struct {
	Text   string // at least two characters that are not all Latin, or three
	Digits string // its digits where it holds nothing else: the end of a telephone number
}

// NewQuery takes a search apart. ok is false where it is too short to mean
// anything: one letter, fewer than three digits.
func NewQuery(s string) (q Query, ok bool) {
	s = strings.Join(strings.Fields(s), " ")
	for utf8.RuneCountInString(s) > 60 {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	q.Text = s
	bare := strings.NewReplacer(" ", "", "-", "").Replace(s)
	if bare != "" && strings.Trim(bare, "0123456789") == "" {
		q.Digits = bare
		return q, len(bare) >= 3
	}
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			return q, true
		}
	}
	return q, n >= 2
}

// Found is what a search gave.
type Found struct {
	Customers []CustomerLine
	Jobs      []JobLine
	More      bool // there is more than was given
}

// Searcher searches the customers and jobs of one centre: names and addresses
// by any part of two characters, telephones by their last digits, job and
// contract numbers by any part.
type Searcher interface {
	Search(ctx context.Context, centre uuid.UUID, q Query, limit int, now time.Time) (Found, error)
}
