package store

import (
	"errors"
	"sync/atomic"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// damage remembers that the file was found damaged. From then on nothing is
// written, and so nothing acknowledged, until a server is started on a file that
// was put right: what is written into a broken file may be gone tomorrow
// (promise P1). Reads that do not meet the damage go on.
type damage struct{ first atomic.Pointer[error] }

func (d *damage) note(err error) error {
	var se *driver.Error
	if errors.As(err, &se) {
		switch se.Code() & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			d.first.CompareAndSwap(nil, &err)
		}
	}
	return err
}

// met is the damage that was found; nil for none.
func (d *damage) met() error {
	if err := d.first.Load(); err != nil {
		return damaged(*err)
	}
	return nil
}

func damaged(err error) error {
	return fault.Wrap(syncproto.Busy, "the server's database is damaged; nothing of this was stored, send it again later", err)
}
