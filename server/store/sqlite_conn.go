package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// conn is one connection with the statements prepared on it: a pool's
// statement would be prepared anew in each transaction.
type conn struct {
	*sql.Conn
	stmts map[string]*sql.Stmt

	writes map[string]driver.StmtExecContext // the driver's own, see exec
	args   []driver.NamedValue               // of the write in hand
}

func newConn(c *sql.Conn) *conn {
	return &conn{Conn: c, stmts: map[string]*sql.Stmt{}, writes: map[string]driver.StmtExecContext{}}
}

// close ends the statements too: the driver keeps a file open as long as one of
// its statements is.
func (c *conn) close() error {
	var errs []error
	for _, st := range c.stmts {
		errs = append(errs, st.Close())
	}
	errs = append(errs, c.Raw(func(any) error {
		var errs []error
		for _, st := range c.writes {
			errs = append(errs, st.(driver.Stmt).Close())
		}
		return errors.Join(errs...)
	}))
	return errors.Join(append(errs, c.Conn.Close())...)
}

// stmt prepares a text once. Executed on the connection, it is part of the
// transaction that the connection has open.
func (c *conn) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := c.stmts[text]; st != nil {
		return st, nil
	}
	st, err := c.PrepareContext(context.WithoutCancel(ctx), positional(text))
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	c.stmts[text] = st
	return st, nil
}

// exec, query and queryRow take no notice of the context's end: the driver
// would start a goroutine for each statement to watch for it, and a fold is
// short. The transaction looks at the context before it commits.
//
// exec speaks to the driver itself: a fold writes a dozen values for each
// change, and database/sql copies each of them twice.
func (c *conn) exec(_ context.Context, text string, args ...any) error {
	return c.Raw(func(dc any) error {
		st, err := c.write(dc, text)
		if err != nil {
			return err
		}
		if err := c.bind(args); err != nil {
			return err
		}
		_, err = st.ExecContext(context.Background(), c.args)
		clear(c.args)
		return err
	})
}

// write prepares a text once on the driver's connection.
func (c *conn) write(dc any, text string) (driver.StmtExecContext, error) {
	if st := c.writes[text]; st != nil {
		return st, nil
	}
	p, ok := dc.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("a driver without prepared statements: %T", dc)
	}
	st, err := p.PrepareContext(context.Background(), positional(text))
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	x, ok := st.(driver.StmtExecContext)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a driver without arguments by number: %T", st), st.Close())
	}
	c.writes[text] = x
	return x, nil
}

// bind turns values into what a driver takes, as database/sql does.
func (c *conn) bind(args []any) error {
	c.args = c.args[:0]
	for i, a := range args {
		switch a.(type) {
		case nil, int64, float64, bool, []byte, string:
		default:
			v, err := driver.DefaultParameterConverter.ConvertValue(a)
			if err != nil {
				return fmt.Errorf("value %d: %w", i+1, err)
			}
			a = v
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return nil
}

func (c *conn) query(ctx context.Context, text string, args ...any) (rows, error) {
	ctx = context.WithoutCancel(ctx)
	st, err := c.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

func (c *conn) queryRow(ctx context.Context, text string, args ...any) (scanner, error) {
	ctx = context.WithoutCancel(ctx)
	st, err := c.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryRowContext(ctx, args...), nil
}
