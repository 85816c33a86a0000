package clientsdk_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
)

func TestEditRefusesBeforeAnythingIsWritten(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	note := func(more map[string]any) map[string]any {
		cols := map[string]any{"job": job, "kind": "note", "text": "好", "at": d.now()}
		for k, v := range more {
			cols[k] = v
		}
		return cols
	}
	for name, tc := range map[string]struct {
		code clientsdk.Code
		do   func(e *clientsdk.Edit) error
	}{
		"unknown table":  {clientsdk.CodeUnknownTable, func(e *clientsdk.Edit) error { return ins(e, "spaceship", nil) }},
		"office table":   {clientsdk.CodeUnknownTable, func(e *clientsdk.Edit) error { return ins(e, "customer", nil) }},
		"unknown column": {clientsdk.CodeUnknownColumn, func(e *clientsdk.Edit) error { return ins(e, "note", note(map[string]any{"mood": 1})) }},
		"wrong type":     {clientsdk.CodeBadValue, func(e *clientsdk.Edit) error { return ins(e, "note", note(map[string]any{"at": "noon"})) }},
		"no cell":        {clientsdk.CodeBadValue, func(e *clientsdk.Edit) error { return ins(e, "note", note(map[string]any{"text": []string{"x"}})) }},
		"other value":    {clientsdk.CodeBadValue, func(e *clientsdk.Edit) error { return ins(e, "note", note(map[string]any{"kind": "gossip"})) }},
		"too long": {clientsdk.CodeBadValue, func(e *clientsdk.Edit) error {
			return ins(e, "note", note(map[string]any{"text": strings.Repeat("长", 10000)}))
		}},
		"required": {clientsdk.CodeRequired, func(e *clientsdk.Edit) error { return ins(e, "note", note(map[string]any{"text": nil})) }},
		"empty":    {clientsdk.CodeRequired, func(e *clientsdk.Edit) error { return ins(e, "note", note(map[string]any{"text": ""})) }},
		"not writer of the table": {clientsdk.CodeNotWriter, func(e *clientsdk.Edit) error {
			return ins(e, "adjudication", map[string]any{"defect": job, "verdict": "hq"})
		}},
		"not writer of the column": {clientsdk.CodeNotWriter, func(e *clientsdk.Edit) error { return e.Update("job", job, map[string]any{"complete": true}) }},
		"transition":               {clientsdk.CodeTransition, func(e *clientsdk.Edit) error { return e.Update("job", job, map[string]any{"status": "finished"}) }},
		"not mine to take":         {clientsdk.CodeNotWriter, func(e *clientsdk.Edit) error { return e.Update("job", job, map[string]any{"status": "cancelled"}) }},
		"unknown row": {clientsdk.CodeRowUnknown, func(e *clientsdk.Edit) error {
			return e.Update("job", uuid.New(), map[string]any{"asked_work": "x"})
		}},
		"unknown parent": {clientsdk.CodeRowUnknown, func(e *clientsdk.Edit) error { return ins(e, "note", note(map[string]any{"job": uuid.New()})) }},
		"row twice": {clientsdk.CodeRowExists, func(e *clientsdk.Edit) error {
			id := uuid.New()
			return errors.Join(e.InsertID("note", id, note(nil)), e.InsertID("note", id, note(nil)))
		}},
		"photo that was never stored": {clientsdk.CodeBlobAbsent, func(e *clientsdk.Edit) error {
			return ins(e, "photo", map[string]any{"job": job, "role": "full", "original": [32]byte{1}, "original_size": 1, "original_type": "image/jpeg", "taken_at": d.now()})
		}},
		"too much for one record": {clientsdk.CodeTooLarge, func(e *clientsdk.Edit) error {
			for range 1001 {
				if err := ins(e, "note", note(nil)); err != nil {
					return err
				}
			}
			return nil
		}},
		"rule of the trade": {clientsdk.CodeRule, func(e *clientsdk.Edit) error {
			id, err := e.Insert("defect", map[string]any{"job": job, "class": "door_colour", "text": "左起第二块门板偏黄", "status": "open"})
			if err != nil {
				return err
			}
			return e.Update("defect", id, map[string]any{"status": "submitted"}) // without photos (DE-02)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
				if err := ins(e, "note", note(map[string]any{"text": "之前"})); err != nil { // undone together
					return err
				}
				return tc.do(e)
			})
			wantCode(t, err, tc.code)
			if got := d.texts(c); got != "" {
				t.Errorf("the refused transaction left %q", got)
			}
		})
	}
	if st := d.status(c); st.Pending != 0 {
		t.Errorf("%d changes were recorded", st.Pending)
	}
	err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		id, err := e.Insert("defect", map[string]any{"job": job, "class": "door_colour", "text": "左起第二块门板偏黄", "status": "open"})
		if err != nil {
			return err
		}
		return e.Update("defect", id, map[string]any{"status": "submitted"})
	})
	var v *fieldwork.Violation
	if !errors.As(err, &v) || !strings.Contains(clientsdk.Explain(err, "zh-CN"), "全景") {
		t.Errorf("the sentence does not say what is missing: %v", err)
	}
}

func ins(e *clientsdk.Edit, table string, cols map[string]any) error {
	_, err := e.Insert(table, cols)
	return err
}

func TestUpdateRecordsWhatChanged(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	edit := func(cols map[string]any) {
		t.Helper()
		if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error { return e.Update("job", job, cols) }); err != nil {
			t.Fatal(err)
		}
	}
	edit(map[string]any{"asked_work": "门板色差", "status": "dispatched"}) // as it is: nothing is recorded
	if st := d.status(c); st.Pending != 0 {
		t.Fatalf("pending %d", st.Pending)
	}
	edit(map[string]any{"status": "departed", "slot_from": d.now()})
	edit(map[string]any{"status": "arrived"}) // from what the phone shows
	if st := d.status(c); st.Pending != 2 {
		t.Fatalf("pending %d", st.Pending)
	}
}

func TestQueries(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	for _, s := range []string{"b", "a", "c"} {
		d.note(c, job, s)
	}
	if err := c.View(t.Context(), func(v *clientsdk.View) error {
		for _, tc := range []struct {
			q    clientsdk.Query
			want string
		}{
			{clientsdk.Query{OrderBy: "text"}, "abc"},
			{clientsdk.Query{OrderBy: "text", Desc: true, Limit: 2}, "cb"},
			{clientsdk.Query{Where: map[string]any{"job": job, "text": []any{"a", "b", nil}}}, "ba"},
			{clientsdk.Query{Where: map[string]any{"author": nil, "root": job}}, "bac"},
			{clientsdk.Query{Where: map[string]any{"text": `a" OR 1=1 --`}}, ""},
		} {
			rows, err := v.Rows("note", tc.q)
			if err != nil {
				return err
			}
			got := ""
			for _, r := range rows {
				got += r.Text("text")
			}
			if got != tc.want {
				t.Errorf("%+v: %q, want %q", tc.q, got, tc.want)
			}
		}
		_, err := v.Rows("note", clientsdk.Query{OrderBy: "text; DROP TABLE app_note"})
		wantCode(t, err, clientsdk.CodeUnknownColumn)
		_, err = v.Rows("sqlite_master", clientsdk.Query{})
		wantCode(t, err, clientsdk.CodeUnknownTable)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestBeforeEnrolment(t *testing.T) {
	d := newDesk(t)
	c := d.phone(t.TempDir())
	wantCode(t, c.Edit(t.Context(), func(*clientsdk.Edit) error { return nil }), clientsdk.CodeNotEnrolled)
	_, err := c.Sync(t.Context())
	wantCode(t, err, clientsdk.CodeNotEnrolled)
	if st := d.status(c); st.Enrolled {
		t.Error("enrolled")
	}
}

func TestManyEditsAtOnce(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				d.note(c, job, "x")
			}
		})
	}
	for range 5 {
		if _, err := c.Sync(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	d.sync(c)
	if n := d.countRows(c, "note"); n != 40 || len(strings.Fields(d.serverNotes())) != 40 {
		t.Errorf("%d notes", n)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
