package ledger_test

import (
	"context"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// TestTwoDesks: two screens showed the same row; whoever comes second is told
// that somebody else was faster, and changes nothing.
func TestTwoDesks(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, contact := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	shown := rows[contact].Rev
	w.write(w.clerk, update("job_contact", contact, shown, map[string]any{"note": "二楼"}))
	_, err := w.led.Write(context.Background(), w.centre, w.clerk, []ledger.Edit{update("job_contact", contact, shown, map[string]any{"note": "三楼"})})
	if fault.CodeOf(err) != fault.Stale {
		t.Errorf("got %v, want %s", err, fault.Stale)
	}
	if note := w.stateRow("job_contact", contact).Text("note"); note != "二楼" {
		t.Errorf("the note is %q", note)
	}
	_, err = w.led.Write(context.Background(), w.centre, w.clerk, []ledger.Edit{insert("job", job, map[string]any{"kind": "aftersale", "intake_at": int64(1), "asked_work": "x", "warranty": "out", "status": "new"})})
	if fault.CodeOf(err) != fault.Stale {
		t.Errorf("the same row once more: %v, want %s", err, fault.Stale)
	}
}

// TestInstructionOfOneDevice: what is for one phone of a person is not given to
// another phone of his.
func TestInstructionOfOneDevice(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	second := *p
	second.dev.ID = newID()
	one, all := newID(), newID()
	w.write(system, insert("instruction", one, map[string]any{"person": p.dev.Person[:], "device": p.dev.ID[:], "kind": syncproto.KindWipe, "args": "{}", "at": int64(1)}),
		insert("instruction", all, map[string]any{"person": p.dev.Person[:], "kind": syncproto.KindMessage, "args": "{}", "at": int64(1)}))
	for _, c := range []struct {
		*phone
		want int
	}{{p, 2}, {&second, 1}} {
		_, page := c.pullAll("", 500)
		if len(page.Instructions) != c.want || c.want == 1 && page.Instructions[0].ID != all {
			t.Errorf("instructions %+v, want %d", page.Instructions, c.want)
		}
	}
}
