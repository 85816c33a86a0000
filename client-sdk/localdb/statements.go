package localdb

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"modernc.org/sqlite"
)

// keptStatements bounds how many prepared statements a connection keeps. The
// app has about three hundred different texts; each costs a few kilobytes.
const keptStatements = 400

// open makes a pool whose connections keep their prepared statements: to
// prepare one costs several times what it then costs to run it.
func open(dsn string) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(keeper{c}), nil
}

// keeper makes connections that keep statements.
type keeper struct{ driver.Connector }

// Connect opens a connection.
func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, ok := inner.(connection)
	if !ok {
		return nil, errors.Join(errors.New("the driver's connection lacks something"), inner.Close())
	}
	return &keeping{connection: whole, kept: map[string]*statement{}}, nil
}

// connection is what the driver's connections can do.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// keeping is a connection with the statements prepared on it. Like each
// driver's connection it is used by one goroutine at a time.
type keeping struct {
	connection
	kept map[string]*statement
}

// statement is prepared and, while its rows are being read, busy.
type statement struct {
	inner driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	busy  bool
}

// CheckNamedValue takes what SQLite takes as it is; anything else goes the long
// way of database/sql. A first pull binds half a million values.
func (k *keeping) CheckNamedValue(v *driver.NamedValue) error {
	switch v.Value.(type) {
	case nil, int64, float64, bool, []byte, string:
		return nil
	}
	return driver.ErrSkip
}

// ExecContext runs a text that gives no rows.
func (k *keeping) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := k.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return k.connection.ExecContext(ctx, text, args)
	}
	return s.exec.ExecContext(context.WithoutCancel(ctx), args)
}

// QueryContext runs a text that gives rows.
func (k *keeping) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := k.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return k.connection.QueryContext(ctx, text, args)
	}
	rows, err := s.query.QueryContext(context.WithoutCancel(ctx), args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &reading{Rows: rows, of: s}, nil
}

// statement finds or prepares one; nil where the text is to be run by itself:
// because its kept one is being read, or because it is no plain statement. A
// kept one runs to its end whatever becomes of the context, as short as they
// are; one whose context has ended does not begin.
func (k *keeping) statement(ctx context.Context, text string) (*statement, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s := k.kept[text]; s != nil {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	if !plain(text) {
		return nil, nil
	}
	if len(k.kept) >= keptStatements {
		if err := k.forget(); err != nil {
			return nil, err
		}
	}
	inner, err := k.connection.PrepareContext(ctx, cmp.Or(positional(text), text))
	if err != nil {
		return nil, err
	}
	s := &statement{inner: inner}
	var canExec, canQuery bool
	s.exec, canExec = inner.(driver.StmtExecContext)
	s.query, canQuery = inner.(driver.StmtQueryContext)
	if !canExec || !canQuery {
		return nil, inner.Close()
	}
	k.kept[text] = s
	return s, nil
}

// positional turns $1, $2 … into question marks where they stand in that
// order, once each: SQLite looks up the name of a numbered bind in a list, for
// each bind of each execution.
func positional(text string) string {
	var b strings.Builder
	for next := 1; ; next++ {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		if after[:digits] != strconv.Itoa(next) {
			return ""
		}
		b.WriteByte('?')
		text = after[digits:]
	}
}

// plain says whether a text is a statement on rows: others, such as VACUUM or
// a migration's, change what prepared ones rest on, and come once.
func plain(text string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	word, _, _ = strings.Cut(word, "\n")
	switch word {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// forget ends the statements that nobody reads.
func (k *keeping) forget() error {
	var errs []error
	for text, s := range k.kept {
		if s.busy {
			continue
		}
		delete(k.kept, text)
		errs = append(errs, s.inner.Close())
	}
	return errors.Join(errs...)
}

// Close ends the statements and the connection.
func (k *keeping) Close() error {
	var errs []error
	for text, s := range k.kept {
		delete(k.kept, text)
		errs = append(errs, s.inner.Close())
	}
	if err := errors.Join(append(errs, k.connection.Close())...); err != nil {
		return fmt.Errorf("close the database file: %w", err)
	}
	return nil
}

// reading are rows of a kept statement.
type reading struct {
	driver.Rows
	of *statement
}

// Close gives the statement back.
func (r *reading) Close() error {
	err := r.Rows.Close()
	r.of.busy = false
	return err
}
