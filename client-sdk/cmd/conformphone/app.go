package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
)

// app is the phone of the present scene, if one is open.
type app struct{ client *clientsdk.Client }

var errShut = errors.New("no phone is open")

func (a *app) commands() map[string]command {
	return map[string]command{
		"open": on(a.open),
		"close": func(context.Context, []byte) (any, error) {
			return nil, a.shut()
		},
		"enrol":  on(a.enrol),
		"record": on(a.record),
		"attach": on(a.attach),
		"sync":   on(a.sync),
		"state":  on(a.state),
		"rows":   on(a.rows),
	}
}

func (a *app) shut() error {
	if a.client == nil {
		return nil
	}
	c := a.client
	a.client = nil
	return c.Close()
}

func (a *app) open(_ context.Context, arg struct{ Dir, Server string }) (any, error) {
	if err := a.shut(); err != nil {
		return nil, err
	}
	c, err := clientsdk.Open(clientsdk.Config{Dir: arg.Dir, Server: arg.Server, Platform: "test", Model: "conformphone", App: "1"})
	if err != nil {
		return nil, err
	}
	a.client = c
	return nil, nil
}

func (a *app) enrol(ctx context.Context, arg struct{ Code string }) (any, error) {
	if a.client == nil {
		return nil, errShut
	}
	if err := a.client.Enrol(ctx, arg.Code); err != nil {
		return nil, err
	}
	id, _ := a.client.Identity()
	return map[string]uuid.UUID{"device": id.Device, "person": id.Person}, nil
}

func (a *app) record(ctx context.Context, arg struct {
	Edits []struct {
		Table, Op string
		Row       *uuid.UUID
		Cols      map[string]cell
	}
}) (any, error) {
	if a.client == nil {
		return nil, errShut
	}
	var rows []uuid.UUID
	err := a.client.Edit(ctx, func(e *clientsdk.Edit) error {
		for _, x := range arg.Edits {
			cols, err := values(x.Cols)
			if err != nil {
				return err
			}
			switch {
			case x.Op == "insert" && x.Row == nil:
				id, err := e.Insert(x.Table, cols)
				if err != nil {
					return err
				}
				rows = append(rows, id)
			case x.Op == "insert":
				if err := e.InsertID(x.Table, *x.Row, cols); err != nil {
					return err
				}
				rows = append(rows, *x.Row)
			case x.Op == "update" && x.Row != nil:
				if err := e.Update(x.Table, *x.Row, cols); err != nil {
					return err
				}
				rows = append(rows, *x.Row)
			default:
				return fmt.Errorf("operation %q", x.Op)
			}
		}
		return nil
	})
	return map[string]any{"rows": rows}, err
}

func (a *app) attach(ctx context.Context, arg struct {
	Body          raw
	Type, Purpose string
}) (any, error) {
	if a.client == nil {
		return nil, errShut
	}
	got, err := a.client.Attach(ctx, bytes.NewReader(arg.Body), arg.Purpose, arg.Type)
	return map[string]raw{"sha256": got.SHA256[:]}, err
}

// sync does one round; what went wrong in it is told, not an error.
func (a *app) sync(ctx context.Context, _ struct{}) (any, error) {
	if a.client == nil {
		return nil, errShut
	}
	_, err := a.client.Sync(ctx)
	return map[string]string{"problem": string(clientsdk.CodeOf(err))}, nil
}

func (a *app) state(ctx context.Context, _ struct{}) (any, error) {
	if a.client == nil {
		return nil, errShut
	}
	st, err := a.client.Status(ctx)
	if err != nil {
		return nil, err
	}
	wait, uploads := time.Duration(0), 0
	if !st.NextTry.IsZero() {
		wait = time.Until(st.NextTry)
	}
	for _, u := range st.Uploads {
		if u.State != clientsdk.Verified {
			uploads++
		}
	}
	return map[string]any{"pending": st.Pending, "held": st.Held, "uploads": uploads, "wait_ms": wait.Milliseconds(), "epoch": st.Identity.Epoch,
		"history": st.Identity.History, "enrolled": st.Enrolled}, nil
}

func (a *app) rows(ctx context.Context, arg struct{ Table string }) (any, error) {
	if a.client == nil {
		return nil, errShut
	}
	type shown struct {
		Row  uuid.UUID       `json:"row"`
		Cols map[string]cell `json:"cols"`
	}
	out := []shown{}
	err := a.client.View(ctx, func(v *clientsdk.View) error {
		rows, err := v.Rows(arg.Table, clientsdk.Query{})
		for _, r := range rows {
			out = append(out, shown{r.ID, toCells(r.Cols)})
		}
		return err
	})
	return map[string]any{"rows": out}, err
}
