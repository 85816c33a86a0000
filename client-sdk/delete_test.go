package clientsdk_test

import (
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// contact puts a contact on the job, as the office does.
func (d *desk) contact(job uuid.UUID) uuid.UUID {
	d.t.Helper()
	id := newID(d.t)
	d.s.office("job_contact", id, job, map[string]any{"job": job[:], "name": "王", "phone": "1"})
	return id
}

// phoneOf is the number that the phone shows; "" for a row that is not there.
func (d *desk) phoneOf(c *clientsdk.Client, contact uuid.UUID) (phone string, marks clientsdk.Marks) {
	d.t.Helper()
	err := c.View(d.t.Context(), func(v *clientsdk.View) error {
		row, ok, err := v.Row("job_contact", contact)
		if err != nil || !ok {
			return err
		}
		phone = row.Text("phone")
		marks, err = v.Marks("job_contact", contact)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return phone, marks
}

func (d *desk) erase(table string, id uuid.UUID) {
	d.s.set(func() { d.s.erase(table, id) })
}

// TestDeletedRowLeavesTheScreen: a row that the server deleted is gone with the
// next pull, stays gone in later ones, and a phone that begins anew never has it.
func TestDeletedRowLeavesTheScreen(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	contact, stays := d.contact(job), d.contact(job)
	d.sync(c)
	if got, _ := d.phoneOf(c, contact); got != "1" {
		t.Fatalf("before: %q", got)
	}
	d.erase("job_contact", contact)
	d.sync(c)
	for range 2 {
		if got, _ := d.phoneOf(c, contact); got != "" {
			t.Errorf("the phone still shows %q", got)
		}
		if got, _ := d.phoneOf(c, stays); got != "1" {
			t.Errorf("the other contact is %q", got)
		}
		d.sync(c)
	}
	err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		return e.Update("job_contact", contact, map[string]any{"phone": "2"})
	})
	wantCode(t, err, clientsdk.CodeRowUnknown)
}

// TestDeletedUnderAnUnsentUpdate: what the phone wrote on a row that was deleted
// meanwhile is shown until the server has it, then as held, until a person has
// decided; nothing of it is thrown away before.
func TestDeletedUnderAnUnsentUpdate(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	contact := d.contact(job)
	d.sync(c)
	err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		return e.Update("job_contact", contact, map[string]any{"phone": "2"})
	})
	if err != nil {
		t.Fatal(err)
	}
	d.erase("job_contact", contact)
	var seq uint64
	d.s.set(func() {
		d.s.judge = func(ch *changelog.Change) (syncproto.OutcomeCode, syncproto.Reason) {
			if ch.Table != "job_contact" {
				return "", ""
			}
			seq = ch.Seq
			return syncproto.Held, syncproto.RowDeleted
		}
	})
	d.sync(c)
	d.sync(c)
	if got, marks := d.phoneOf(c, contact); got != "2" || !marks.Held {
		t.Errorf("held work is shown as %q, %+v", got, marks)
	}
	if st := d.status(c); st.Pending != 0 || st.Held != 1 {
		t.Errorf("%d pending, %d held", st.Pending, st.Held)
	}
	identity, _ := c.Identity()
	d.s.order(syncproto.KindDecided, map[string]any{"epoch": identity.Epoch.String(), "seq": seq, "verdict": "refuse"})
	d.sync(c)
	if got, _ := d.phoneOf(c, contact); got != "" {
		t.Errorf("after the refusal: %q", got)
	}
	if st := d.status(c); st.Held != 0 {
		t.Errorf("%d held", st.Held)
	}
}
