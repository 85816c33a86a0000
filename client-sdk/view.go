package clientsdk

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"siteledger/client-sdk/replica"
	"siteledger/syncproto/schema"
)

// View is one snapshot of what the app shows. It is good until its function
// returns.
type View struct {
	c   *Client
	ctx context.Context
	tx  *sql.Tx
}

// View runs fn on one snapshot: nothing that is recorded or pulled meanwhile
// shows in it.
func (c *Client) View(ctx context.Context, fn func(*View) error) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return explained(c.db.View(ctx, func(tx *sql.Tx) error {
		return fn(&View{c: c, ctx: ctx, tx: tx})
	}))
}

// Row reads one row: the server's columns with mine on top. False where there
// is no such row on this phone.
func (v *View) Row(table string, id uuid.UUID) (schema.Row, bool, error) {
	row, ok, err := v.c.rep.Row(v.ctx, v.tx, table, id)
	return row, ok, explained(err)
}

// Rows reads rows of one table.
func (v *View) Rows(table string, q Query) ([]schema.Row, error) {
	rows, err := v.c.rep.Rows(v.ctx, v.tx, table, replica.Query(q))
	return rows, explained(err)
}

// Marks says how far a row has come.
func (v *View) Marks(table string, id uuid.UUID) (Marks, error) {
	unsent, held, conflict, err := v.c.out.MarksOf(v.ctx, v.tx, table, id)
	return Marks{Unsent: unsent, Held: held, Conflict: conflict}, explained(err)
}

// Children reads the rows of a table whose column names a parent. With Row it
// makes a View a reader for the trade's rules.
func (v *View) Children(table, column string, parent uuid.UUID) ([]schema.Row, error) {
	return v.Rows(table, Query{Where: map[string]any{column: parent}})
}
