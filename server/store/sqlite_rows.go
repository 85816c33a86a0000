package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// queryMany is query for what reads many rows: it speaks to the driver itself,
// as database/sql looks at each value by reflection and copies each byte string
// once more. Its rows are scanned into *any, *[]byte, *string, *int64, *int and
// *bool alone.
func (c *conn) queryMany(_ context.Context, text string, args ...any) (rows, error) {
	r := &driverRows{}
	err := c.Raw(func(dc any) error {
		st, err := c.write(dc, text)
		if err != nil {
			return err
		}
		q, ok := st.(driver.StmtQueryContext)
		if !ok {
			return fmt.Errorf("a driver without queries of prepared statements: %T", st)
		}
		if err := c.bind(args); err != nil {
			return err
		}
		r.rows, err = q.QueryContext(context.Background(), c.args)
		clear(c.args)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.cells = make([]driver.Value, len(r.rows.Columns()))
	return r, nil
}

// driverRows are rows as the driver gives them.
type driverRows struct {
	rows  driver.Rows
	cells []driver.Value
	err   error
}

func (r *driverRows) Next() bool {
	if r.err == nil {
		r.err = r.rows.Next(r.cells)
	}
	return r.err == nil
}

func (r *driverRows) Scan(dest ...any) error {
	if len(dest) != len(r.cells) {
		return fmt.Errorf("%d columns for %d places", len(r.cells), len(dest))
	}
	for i, d := range dest {
		if !assign(d, r.cells[i]) {
			return fmt.Errorf("column %d: %T for %T", i+1, r.cells[i], d)
		}
	}
	return nil
}

// assign hands a value on. The driver made its bytes for this row alone.
func assign(dest any, v driver.Value) (ok bool) {
	switch d := dest.(type) {
	case *any:
		*d = v
		return true
	case *[]byte:
		*d, ok = v.([]byte)
		return ok || v == nil
	case *string:
		*d, ok = v.(string)
		return ok
	}
	n, ok := v.(int64)
	switch d := dest.(type) {
	case *int64:
		*d = n
	case *int:
		*d = int(n)
	case *bool:
		*d = n != 0
	default:
		return false
	}
	return ok
}

func (r *driverRows) Err() error {
	if errors.Is(r.err, io.EOF) {
		return nil
	}
	return r.err
}

func (r *driverRows) Close() error { return r.rows.Close() }
