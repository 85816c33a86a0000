package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto/schema"
)

// Errors of reading and writing rows.
var (
	ErrUnknownTable  = errors.New("this table is not on phones")
	ErrUnknownColumn = errors.New("unknown column")
	ErrRowExists     = errors.New("a row with this id is there already")
	ErrRowUnknown    = errors.New("no such row on this phone")
)

// Mine gives the unconfirmed changes of a row in the order of recording, and
// says which rows have any, and whether any has.
type Mine interface {
	Of(ctx context.Context, tx *sql.Tx, table string, row uuid.UUID) ([]outbox.Mine, error)
	Among(ctx context.Context, tx *sql.Tx, table string, rows []uuid.UUID) (map[uuid.UUID]bool, error)
	Any(ctx context.Context, tx *sql.Tx) (bool, error)
}

// Replica works on the app's tables. It is immutable and safe for concurrent
// use.
type Replica struct {
	d      *schema.Descriptor
	tables map[string]*table
	names  []string // of tables, in the schema's order
	mine   Mine
	enc    cbor.EncMode
	dec    cbor.DecMode

	// Of takeAtOnce rows.
	insertBases, readBases, dropBases string
}

// table is a table of the schema with its SQL. Its names come from the schema
// of this build, never from a caller or from the wire.
type table struct {
	*schema.Table
	app     string // quoted name of the app's table
	columns string // the schema's columns, quoted, each with a comma before it
	selects string
	upsert  string
	add     string // upsert of a row that is not there yet
	// Of takeAtOnce rows.
	insert string // the server's, with nothing of mine
	marked string // those that have something of mine
	gone   string // takes away what was mine alone
}

// New makes a replica of all tables of the schema that can reach a phone.
func New(d *schema.Descriptor, mine Mine) (*Replica, error) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, fmt.Errorf("cbor: %w", err)
	}
	dec, err := cbor.DecOptions{IntDec: cbor.IntDecConvertSignedOrFail, TagsMd: cbor.TagsForbidden}.DecMode()
	if err != nil {
		return nil, fmt.Errorf("cbor: %w", err)
	}
	r := &Replica{
		d: d, tables: map[string]*table{}, mine: mine, enc: enc, dec: dec,
		insertBases: insertBase + strings.Repeat(", (?, ?, ?, ?, ?, ?)", takeAtOnce-1) + overBase,
		readBases:   "SELECT row, root, rev, gone, cols FROM base WHERE tbl = ? AND row IN " + places(),
		dropBases:   "DELETE FROM base WHERE tbl = ? AND row IN " + places(),
	}
	for _, t := range d.Tables {
		if t.Root != schema.RootOffice {
			r.tables[t.Name] = newTable(t)
			r.names = append(r.names, t.Name)
		}
	}
	return r, nil
}

func newTable(t *schema.Table) *table {
	var columns, binds, sets strings.Builder
	for i, c := range t.Columns {
		q := quote(c.Name)
		fmt.Fprintf(&columns, ", %s", q)
		fmt.Fprintf(&binds, ", $%d", i+6)
		fmt.Fprintf(&sets, ", %s = excluded.%s", q, q)
	}
	app := quote("app_" + t.Name)
	add := "INSERT INTO " + app + " (id, root, rev, mine, held" + columns.String() + ") VALUES ($1, $2, $3, $4, $5" + binds.String() + ") ON CONFLICT (id) DO "
	one := "(?, ?, ?, 0, 0" + strings.Repeat(", ?", len(t.Columns)) + ")"
	return &table{
		Table:   t,
		app:     app,
		columns: columns.String(),
		selects: "SELECT id, root, rev" + columns.String() + " FROM " + app,
		add:     add + "NOTHING",
		upsert:  add + "UPDATE SET root = excluded.root, rev = excluded.rev, mine = excluded.mine, held = excluded.held" + sets.String(),
		insert: "INSERT INTO " + app + " (id, root, rev, mine, held" + columns.String() + ") VALUES " + one + strings.Repeat(", "+one, takeAtOnce-1) +
			" ON CONFLICT (id) DO UPDATE SET root = excluded.root, rev = excluded.rev, mine = excluded.mine, held = excluded.held" + sets.String(),
		marked: "SELECT id FROM " + app + " WHERE id IN " + places() + " AND mine > 0 UNION ALL SELECT row FROM base WHERE tbl = ? AND row IN " + places(),
		gone:   "DELETE FROM " + app + " WHERE id IN " + places() + " AND mine > 0",
	}
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (r *Replica) table(name string) (*table, error) {
	t, ok := r.tables[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownTable, name)
	}
	return t, nil
}

// put writes the whole of a row.
func (t *table) put(ctx context.Context, tx *sql.Tx, row schema.Row, mine int, held bool) error {
	_, err := t.write(ctx, tx, t.upsert, row, mine, held)
	return err
}

// write runs upsert or add, and says how many rows it wrote.
func (t *table) write(ctx context.Context, tx *sql.Tx, text string, row schema.Row, mine int, held bool) (n int64, err error) {
	args := make([]any, 0, 5+len(t.Columns))
	args = append(args, row.ID[:], row.Root[:], int64(row.Rev), mine, held)
	for _, c := range t.Columns {
		args = append(args, bind(row.Cols[c.Name]))
	}
	done, err := tx.ExecContext(ctx, text, args...)
	if err == nil {
		n, err = done.RowsAffected()
	}
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", t.Name, err)
	}
	return n, nil
}

func (t *table) remove(ctx context.Context, tx *sql.Tx, id uuid.UUID) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.app+" WHERE id = $1", id[:]); err != nil {
		return fmt.Errorf("remove from %s: %w", t.Name, err)
	}
	return nil
}

// bind is a cell as SQLite holds it.
func bind(v schema.Value) any {
	if b, ok := v.(bool); ok {
		if b {
			return int64(1)
		}
		return int64(0)
	}
	return v
}

// cell is a value of SQLite as the schema has it.
func cell(c *schema.Column, v any) schema.Value {
	if n, ok := v.(int64); ok && c.Type == schema.Bool {
		return n != 0
	}
	return v
}

// shaped says whether a value of the wire can be stored in a column at all. It
// is laxer than [schema.Column.Fits]: a newer server may know more values.
func shaped(c *schema.Column, v schema.Value) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return c.Type == schema.Bool
	case int64:
		return c.Type == schema.Int || c.Type == schema.Time || c.Type == schema.Money || c.Type == schema.Float
	case float64:
		return c.Type == schema.Float
	case string:
		return c.Type == schema.Text
	case []byte:
		return c.Type == schema.Bytes || c.Type == schema.UUID && len(v) == 16 || c.Type == schema.Blob && len(v) == 32
	}
	return false
}

func (r *Replica) pack(cols map[string]schema.Value) ([]byte, error) {
	if cols == nil {
		cols = map[string]schema.Value{}
	}
	return r.enc.Marshal(cols)
}

func (r *Replica) unpack(b []byte) (map[string]schema.Value, error) {
	cols := map[string]schema.Value{}
	if err := r.dec.Unmarshal(b, &cols); err != nil {
		return nil, fmt.Errorf("stored columns: %w", err)
	}
	return cols, nil
}
