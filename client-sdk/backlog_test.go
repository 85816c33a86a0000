package clientsdk_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/schema"
)

// TestLongBacklogIsConfirmedWhole: a backlog longer than what is confirmed at a
// time, with a row that is changed at its beginning and at its end, is confirmed
// whole, on a phone that never pulled and on one that has a cursor.
func TestLongBacklogIsConfirmedWhole(t *testing.T) {
	for _, first := range []string{"never pulled", "has a cursor"} {
		t.Run(first, func(t *testing.T) {
			d := newDesk(t)
			c, _, job := d.enrolled()
			if first == "has a cursor" {
				d.sync(c)
			}
			rows, contact := []uuid.UUID{}, uuid.New()
			if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
				return e.InsertID("job_contact", contact, map[string]any{"job": job, "name": "王", "phone": "1"})
			}); err != nil {
				t.Fatal(err)
			}
			for n := range 3 {
				if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
					for i := range 400 {
						id, err := e.Insert("note", map[string]any{"job": job, "kind": "note", "text": fmt.Sprint(n, "-", i), "at": d.now()})
						if err != nil {
							return err
						}
						rows = append(rows, id)
					}
					return e.Update("job_contact", contact, map[string]any{"phone": fmt.Sprint("seen ", n)})
				}); err != nil {
					t.Fatal(err)
				}
			}
			if r := d.sync(c); r.Pushed != 1204 || r.Repaired {
				t.Fatalf("%+v", r)
			}
			if st := d.status(c); st.Pending != 0 {
				t.Errorf("%d changes are pending", st.Pending)
			}
			shown := map[uuid.UUID]schema.Row{}
			if err := c.View(t.Context(), func(v *clientsdk.View) error {
				all, err := v.Rows("note", clientsdk.Query{})
				last, _, err2 := v.Row("job_contact", contact)
				for _, row := range append(all, last) {
					m, err := v.Marks(row.Table, row.ID)
					if err != nil || m != (clientsdk.Marks{}) || row.Rev == 0 {
						t.Errorf("%s: rev %d, marks %+v, %v", row.Cols["text"], row.Rev, m, err)
					}
					shown[row.ID] = row
				}
				return errors.Join(err, err2)
			}); err != nil {
				t.Fatal(err)
			}
			if len(shown) != len(rows)+1 || shown[contact].Cols["phone"] != "seen 2" {
				t.Errorf("%d rows are shown, the contact as %v", len(shown), shown[contact].Cols)
			}
			d.note(c, job, "later")
			if st := d.status(c); st.Pending != 1 {
				t.Errorf("%d changes are pending", st.Pending)
			}
			if err := c.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
