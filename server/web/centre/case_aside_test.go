package centre_test

import (
	"database/sql"
	"net/http"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
)

// TestAsidePageNamesFullPhones: a phone whose share of the quarantine is full is
// named with what there is to do, to its own centre alone.
func TestAsidePageNamesFullPhones(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	note := func(p *benchtest.Phone) {
		p.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": "一", "at": d.Now.UnixMilli()}))
	}
	twin := s.Phone.Twin()
	note(s.Phone)
	s.Phone.Push()
	const aside = "/centre/reconcile/aside?kind=aside"
	_, body, _ := d.ask(t, "clerk", aside, nil)
	wantNot(t, body, "未能收存")
	note(twin)
	if _, err := twin.TryPush(); fault.CodeOf(err) != syncproto.LogForked {
		t.Fatalf("the copy's push: %v", err)
	}
	// What is kept of it is blown up by a frame that readers pass over.
	pad := make([]byte, 8+64<<20)
	copy(pad, "\x50\x2a\x4d\x18\x00\x00\x00\x04")
	err := d.Store.Update(t.Context(), func(tx *sql.Tx) error {
		var body []byte
		if err := tx.QueryRow("SELECT body FROM quarantine").Scan(&body); err != nil {
			return err
		}
		_, err := tx.Exec("UPDATE quarantine SET body = $1", append(body, pad...))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	note(twin)
	if _, err := twin.TryPush(); fault.CodeOf(err) != syncproto.LogForked {
		t.Fatalf("the copy's push: %v", err)
	}
	_, body, _ = d.ask(t, "clerk", aside, nil)
	want(t, body, "李师傅", "未能收存", "只在手机里", "拒收 1 次")
	_, body, _ = d.ask(t, "clerk", aside, nil, true)
	want(t, body, "not kept", "1 offers turned away")
	if code, body, _ := d.ask(t, "stranger", aside, nil); code != http.StatusOK {
		t.Errorf("another centre: %d", code)
	} else {
		wantNot(t, body, "未能收存")
	}
}
