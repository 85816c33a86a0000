package store

import (
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// damage remembers that the database was found damaged. From then on nothing
// is written, and so nothing acknowledged, until a server is started on one
// that was put right: what is written into a broken file may be gone tomorrow
// (promise P1). Reads that do not meet the damage go on.
type damage struct{ first atomic.Pointer[error] }

func (d *damage) note(err error) error {
	if corrupt(err) {
		d.set(err)
	}
	return err
}

// set says whether this is the first damage.
func (d *damage) set(err error) bool { return d.first.CompareAndSwap(nil, &err) }

// met is the damage that was found; nil for none.
func (d *damage) met() error {
	if err := d.first.Load(); err != nil {
		return damaged(*err)
	}
	return nil
}

// corrupt tells a file that is not what was written from every other failure.
func corrupt(err error) bool {
	var se *driver.Error
	if errors.As(err, &se) {
		code := se.Code() & 0xff
		return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
	}
	var pe *pgconn.PgError
	return errors.As(err, &pe) && corruptCode(pe.Code)
}

// corruptCode is true for data_corrupted and index_corrupted of PostgreSQL.
func corruptCode(code string) bool { return code == "XX001" || code == "XX002" }

// errElsewhere is the damage that another server of the same database met.
var errElsewhere = errors.New("another server met damage in this database")

func damaged(err error) error {
	return fault.Wrap(syncproto.Busy, "the server's database is damaged; nothing of this was stored, send it again later", err)
}

// noted remembers damage that a plain read of the SQLite file met. PostgreSQL's
// errors are seen where they arrive.
func (s *Store) noted(err error) error {
	if f, ok := s.engine.(*file); ok {
		return f.damage.note(err)
	}
	return err
}

// told explains the failure of a plain read on either engine.
func told(err error) error { return explain(explainPostgres(err)) }

// Damaged says whether the database was found damaged since it was opened, by
// this server or by another one on the same database.
func (s *Store) Damaged() bool { return s.engine.damaged() != nil }
