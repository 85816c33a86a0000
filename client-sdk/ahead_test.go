package clientsdk

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// What a transaction of a first pull may take along is there already, follows
// what was taken, and is of the same history; anything else waits for the loop
// that knows what to do about it.
func TestOnlyWhatIsReadyGoesAlong(t *testing.T) {
	history := uuid.New()
	came := func(change func(*nextPage)) *pagesAhead {
		n := &nextPage{cursor: "c2", read: make(chan struct{}), page: &syncproto.Page{History: history}}
		close(n.read)
		change(n)
		a := &pagesAhead{pages: make(chan *nextPage, 1), cancel: func() {}}
		a.pages <- n
		return a
	}
	for name, change := range map[string]func(*nextPage){
		"of another history": func(n *nextPage) { n.page.History = uuid.New() },
		"behind another":     func(n *nextPage) { n.cursor = "c3" },
		"not read":           func(n *nextPage) { n.err, n.page = errors.New("line cut"), nil },
		"still being read":   func(n *nextPage) { n.read = make(chan struct{}) },
	} {
		a := came(change)
		if p := a.ready("c2", history); p != nil {
			t.Errorf("a page %s went along", name)
		}
		if a.kept == nil {
			t.Errorf("a page %s was lost", name)
		}
	}
	a := came(func(*nextPage) {})
	if p := a.ready("c2", history); p == nil {
		t.Error("a page that was there did not go along")
	}
	if p := a.ready("c2", history); p != nil {
		t.Error("a page went along twice")
	}
	var none *pagesAhead
	if p := none.ready("c2", history); p != nil {
		t.Error("a page came out of nothing")
	}
}
