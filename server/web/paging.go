package web

import (
	"net/url"
	"strconv"
)

// ListRows is how many rows of a long list one page shows: two to three screens.
// A browser lays out and paints all of them before anything is seen, and each row
// costs it a millisecond, so that fifty are more than a page may take.
const ListRows = 30

// Paging is a place in a long list. Templates draw it with the partial
// "paging".
type Paging struct {
	Page  int // from 1
	Size  int
	Total int
	path  string
	query url.Values
}

// Paging reads ?page=; size is rows per page.
func (c *Context) Paging(size int) Paging {
	n, _ := strconv.Atoi(c.R.URL.Query().Get("page"))
	return Paging{Page: min(max(n, 1), 100000), Size: size, path: c.R.URL.Path, query: c.R.URL.Query()}
}

// Offset is the number of rows before this page.
func (p Paging) Offset() int { return (p.Page - 1) * p.Size }

// From and To are the numbers of the first and last row shown.
func (p Paging) From() int { return min(p.Offset()+1, p.Total) }

// To is the number of the last row shown.
func (p Paging) To() int { return min(p.Offset()+p.Size, p.Total) }

// Last is the number of the last page.
func (p Paging) Last() int { return max(1, (p.Total+p.Size-1)/p.Size) }

// Prev is the address of the page before; "" on the first.
func (p Paging) Prev() string {
	if p.Page <= 1 {
		return ""
	}
	return p.link(p.Page - 1)
}

// Next is the address of the page behind; "" on the last.
func (p Paging) Next() string {
	if p.Page >= p.Last() {
		return ""
	}
	return p.link(p.Page + 1)
}

func (p Paging) link(n int) string {
	q := url.Values{}
	for k, v := range p.query {
		q[k] = v
	}
	q.Set("page", strconv.Itoa(n))
	return p.path + "?" + q.Encode()
}
