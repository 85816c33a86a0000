package clientsdk

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/replica"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// Edit is one transaction that writes. It is good until its function returns.
// What it writes, its own reads see at once.
type Edit struct {
	View
	id      *identity
	role    schema.Role
	entries []outbox.Entry
	written []fieldwork.Written
}

// Edit runs fn as one transaction, which is durable when Edit returns nil. An
// error of fn, a refusal or a crash leaves nothing of it, except that receipt
// numbers which fn took in a transaction that was undone are free again.
//
// Each write is checked by the schema before it happens, and the whole by the
// rules of the trade (fieldwork) before it is recorded; a refusal is an [Error]
// with a sentence in both languages.
func (c *Client) Edit(ctx context.Context, fn func(*Edit) error) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	id, err := c.enrolled()
	if err != nil {
		return err
	}
	recorded := false
	err = c.db.Update(ctx, func(tx *sql.Tx) error {
		e, err := c.edit(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
		recorded = len(e.entries) > 0
		return e.record()
	})
	if err != nil {
		return explained(err)
	}
	if recorded {
		c.news()
		c.changed()
	}
	return nil
}

// news makes Run go as soon as it may.
func (c *Client) news() {
	c.dirty.Store(true)
	signal(c.wake)
}

func (c *Client) edit(ctx context.Context, tx *sql.Tx, id *identity) (*Edit, error) {
	e := &Edit{View: View{c: c, ctx: ctx, tx: tx}, id: id, role: schema.Installer}
	me, ok, err := e.Row("person", id.Person)
	if err != nil {
		return nil, err
	}
	if role := schema.Role(me.Text("role")); ok && slices.Contains(c.schema.Roles, role) && role != schema.Server {
		e.role = role
	}
	return e, nil
}

// record checks the transaction by the rules of the trade and writes it to the
// log.
func (e *Edit) record() error {
	if len(e.entries) == 0 {
		return nil
	}
	v, err := fieldwork.Check(e.c.schema, e.written, e.role, e.id.Person, e)
	if err != nil {
		return err
	}
	if v != nil {
		table := ""
		if v.Index < len(e.written) {
			table = e.written[v.Index].Table
		}
		return &Error{Code: CodeRule, ZH: v.ZH, EN: v.EN, Table: table, Err: v}
	}
	return e.c.out.Append(e.ctx, e.tx, e.id.author(), e.c.stamp(), e.c.schema.Version, e.entries)
}

// Insert makes a row with a new id. Columns that are not named, or nil, are
// empty.
func (e *Edit) Insert(table string, cols map[string]any) (uuid.UUID, error) {
	id, err := e.c.newID()
	if err != nil {
		return uuid.Nil, err
	}
	return id, e.InsertID(table, id, cols)
}

// InsertID makes a row with an id that the caller made (UUIDv7), so that a form
// that is sent twice makes one row: the second is refused as row-exists.
func (e *Edit) InsertID(table string, id uuid.UUID, cols map[string]any) error {
	t, err := e.writable(table)
	if err != nil {
		return err
	}
	values, err := e.values(t, cols)
	if err != nil {
		return err
	}
	maps.DeleteFunc(values, func(_ string, v schema.Value) bool { return v == nil })
	for _, col := range t.Columns {
		if col.Required && values[col.Name] == nil {
			return required(t, col)
		}
	}
	if err := e.mayWrite(t, values); err != nil {
		return err
	}
	if err := e.holdBlobs(t, values); err != nil {
		return err
	}
	root, err := e.rootOf(t, id, values)
	if err != nil {
		return err
	}
	after, err := e.c.rep.Insert(e.ctx, e.tx, table, id, root, values)
	if err != nil {
		return explained(err)
	}
	e.note(outbox.Entry{Table: table, Row: id, Root: root, Op: changelog.Insert, Cols: values}, after)
	return nil
}

// Update changes columns of a row that this phone shows. Columns that have the
// value already are left out; where none is left, nothing is recorded. What the
// phone showed before is recorded beside the new values.
func (e *Edit) Update(table string, id uuid.UUID, cols map[string]any) error {
	t, err := e.writable(table)
	if err != nil {
		return err
	}
	if t.Rule == schema.Fact {
		return refusal(CodeRule, table, "", "“"+t.Label.ZH+"”记录后不能改,请新增一条更正。", "A "+t.Label.EN+" can't be changed once recorded; add a new one that corrects it.")
	}
	values, err := e.values(t, cols)
	if err != nil {
		return err
	}
	row, ok, err := e.Row(table, id)
	if err != nil {
		return err
	}
	if !ok {
		return explained(fmt.Errorf("%w: %s %s", replica.ErrRowUnknown, table, id))
	}
	was := map[string]schema.Value{}
	for name, v := range values {
		if schema.Equal(row.Cols[name], v) {
			delete(values, name)
			continue
		}
		was[name] = row.Cols[name]
	}
	if len(values) == 0 {
		return nil
	}
	if err := e.mayUpdate(t, row, values); err != nil {
		return err
	}
	after, err := e.c.rep.Update(e.ctx, e.tx, row, values)
	if err != nil {
		return explained(err)
	}
	e.note(outbox.Entry{Table: table, Row: id, Root: row.Root, Op: changelog.Update, Base: row.Rev, Cols: values, Was: was}, after)
	return nil
}

// note keeps a write for the log and for the rules of the trade.
func (e *Edit) note(n outbox.Entry, after schema.Row) {
	e.entries = append(e.entries, n)
	e.written = append(e.written, fieldwork.Written{Table: n.Table, ID: n.Row, Op: uint8(n.Op), Cols: n.Cols, After: after})
}

// NextReceipt takes the next receipt number of the device's own range (FP-03).
// It works offline. Near the end of the range the client asks for more at the
// next sync; at the end it is refused with [CodeNoReceipt].
func (e *Edit) NextReceipt() (string, error) {
	no, err := e.c.out.NextReceipt(e.ctx, e.tx)
	return no, explained(err)
}

// rootOf finds what a new row hangs from.
func (e *Edit) rootOf(t *schema.Table, id uuid.UUID, values map[string]schema.Value) (uuid.UUID, error) {
	if t.Parent != "" {
		b, _ := values[t.ParentColumn].([]byte)
		parent, err := uuid.FromBytes(b)
		if err != nil {
			return uuid.Nil, badValue(t, t.Column(t.ParentColumn))
		}
		row, ok, err := e.Row(t.Parent, parent)
		if err != nil {
			return uuid.Nil, err
		}
		if !ok {
			return uuid.Nil, refusal(CodeRowUnknown, t.Name, t.ParentColumn, "所属的记录不在本机。", "The record that this belongs to is not on this phone.")
		}
		return row.Root, nil
	}
	switch t.Root {
	case schema.RootJob:
		return id, nil
	case schema.RootPerson:
		return e.id.Person, nil
	case schema.RootCentre:
		return e.id.Centre, nil
	}
	return uuid.Nil, refusal(CodeNotWriter, t.Name, "", "手机上不能写“"+t.Label.ZH+"”。", "A phone can't write a "+t.Label.EN+".")
}

// holdBlobs queues the photos that a row names. A row that names bytes which
// this phone never stored could never be complete, and is refused.
func (e *Edit) holdBlobs(t *schema.Table, values map[string]schema.Value) error {
	for _, col := range t.Columns {
		sha, ok := values[col.Name].([]byte)
		if !ok || col.Type != schema.Blob {
			continue
		}
		known, err := e.c.blobs.Named(e.ctx, e.tx, sha, shows(t, values))
		if err != nil {
			return err
		}
		if !known {
			return refusal(CodeBlobAbsent, t.Name, col.Name, "照片没有存到本机,请重新拍摄。", "The photo is not stored on this phone. Take it again.")
		}
	}
	return nil
}

// shows is what a photo's row says that it shows; "" for other rows.
func shows(t *schema.Table, values map[string]schema.Value) string {
	if t.Name != "photo" {
		return ""
	}
	role, _ := values["role"].(string)
	return role
}

// Fail makes an error that undoes the transaction with a sentence for the
// screen.
func Fail(code Code, zh, en string) error { return &Error{Code: code, ZH: zh, EN: en} }
