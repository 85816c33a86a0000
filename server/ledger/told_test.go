package ledger_test

import (
	"testing"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// TestDecisionsAreToldAgain: a phone that begins anew (a void cursor) is told
// every decision about its log, however many it acknowledged once.
func TestDecisionsAreToldAgain(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	const many = 520
	var orders, acks []ledger.Edit
	ids := map[uuid.UUID]bool{}
	for range many {
		id := newID()
		ids[id] = true
		orders = append(orders, insert("instruction", id, map[string]any{"person": p.dev.Person[:], "device": p.dev.ID[:], "kind": syncproto.KindDecided, "args": "{}", "at": int64(1)}))
		acks = append(acks, insert("instruction_ack", newID(), map[string]any{"instruction": id[:], "state": "done"}))
	}
	w.write(system, orders...)
	p.record(acks...)
	if a := p.push(); len(a.Outcomes) != 0 {
		t.Fatalf("outcomes %+v", a.Outcomes[0])
	}
	cursor := ""
	for range 4 {
		_, page := p.pullAll(cursor, 1000)
		for _, in := range page.Instructions {
			delete(ids, in.ID)
		}
		cursor = page.Next
	}
	if len(ids) > 0 {
		t.Errorf("%d of %d decisions are never told", len(ids), many)
	}
}
