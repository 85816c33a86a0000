package store

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"siteledger/server/fault"
)

// Alone satisfies ledger.Tx: it runs fn under a savepoint. Where fn fails
// because of what it was to write, the savepoint is rolled back, refused says
// why, and the transaction goes on. Any other failure is err.
func (c *centreTx) Alone(ctx context.Context, fn func() error) (refused, err error) {
	if err := c.exec(ctx, "SAVEPOINT alone"); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	if err := c.sent(ctx); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	err = fn()
	if err == nil {
		err = c.sent(ctx)
	}
	if err != nil {
		if !byContent(err) || ctx.Err() != nil {
			return nil, err
		}
		if err := c.back(ctx); err != nil {
			return nil, fmt.Errorf("back to the savepoint: %w", err)
		}
		return err, nil
	}
	if err := c.exec(ctx, "RELEASE alone"); err != nil {
		return nil, fmt.Errorf("release the savepoint: %w", err)
	}
	return nil, nil
}

// back rolls back to the savepoint, without what waits in a queue. PostgreSQL
// prepares nothing in a transaction that has failed: there it is said plainly.
func (c *centreTx) back(ctx context.Context) error {
	if p, ok := c.session.(*pipeline); ok {
		p.drop()
		_, err := p.conn.PgConn().Exec(p.ctx, "ROLLBACK TO alone; RELEASE alone").ReadAll()
		return err
	}
	if err := c.exec(ctx, "ROLLBACK TO alone"); err != nil {
		return err
	}
	return c.exec(ctx, "RELEASE alone")
}

// sent waits until what was written so far has reached the database: where
// statements wait in a queue, only then do they fail.
func (c *centreTx) sent(ctx context.Context) error {
	row, err := c.queryRow(ctx, "SELECT 1")
	if err != nil {
		return err
	}
	var one int
	return row.Scan(&one)
}

// byContent says that the same write would fail again, on any day and any
// machine: the values break what the tables or the encoders can hold. A full
// disk, a busy file, a lost connection and an ended context are not of that
// kind, nor is a fault that was raised on purpose.
func byContent(err error) bool {
	var raised *fault.Error
	var state interface{ SQLState() string }
	var lite *driver.Error
	switch {
	case errors.As(err, &raised), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &lite):
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
			return true
		}
		return false
	case errors.As(err, &state):
		// PostgreSQL: 22 data, 23 integrity, 54 limits of the program.
		code := state.SQLState()
		return len(code) == 5 && (code[:2] == "22" || code[:2] == "23" || code[:2] == "54")
	}
	return !ofTheMachine(err)
}

// ofTheMachine says that an error is the connection's, the file's or the
// network's.
func ofTheMachine(err error) bool {
	var path *fs.PathError
	var no syscall.Errno
	var link net.Error
	return errors.Is(err, sql.ErrTxDone) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, errLost) || errors.Is(err, errMoved) || brokenConnection(err) ||
		errors.As(err, &path) || errors.As(err, &no) || errors.As(err, &link)
}
