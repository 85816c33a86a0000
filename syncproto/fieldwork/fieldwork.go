// Package fieldwork holds the trade's own rules: which photos prove a defect,
// what may be charged, how receipts are numbered, what a customer's signature
// covers, which deadlines are met, and in which order a visit happens. The
// phone runs them before the technician leaves the site, the server again when
// it folds the same changes, so both always say the same.
//
// The package is pure. It reads no clock, no database, no network and no
// randomness: whatever it needs is an argument, so that a rebuild of the state
// years later gives the same answers. It never repairs a row and never decides
// for a person; it says what is wrong, in a full sentence.
//
// Ids such as DE-02 or FP-01 name the trade's requirements.
package fieldwork

import (
	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Violation is a broken rule of the trade. ZH and EN are full sentences for the
// person who has to mend it; Code is stable and never shown. Index is the place
// of the offending write in the transaction, 0 where only one row was checked.
type Violation struct {
	Code  string
	ZH    string
	EN    string
	Index int
}

// Error gives both sentences, Chinese first.
func (v *Violation) Error() string { return v.ZH + " / " + v.EN }

// In gives the sentence in a language, Chinese for anything but "en".
func (v *Violation) In(lang string) string { return schema.Label{ZH: v.ZH, EN: v.EN}.In(lang) }

// Missing is one thing that is still missing. The sentences say what to do.
type Missing struct {
	Code string
	ZH   string
	EN   string
}

// In gives the sentence in a language, Chinese for anything but "en".
func (m Missing) In(lang string) string { return schema.Label{ZH: m.ZH, EN: m.EN}.In(lang) }

// Reader reads state rows. Row's bool is false where there is no such row.
// Children gives the rows of a table whose parent column names the parent; the
// order does not matter.
type Reader interface {
	Row(table string, id uuid.UUID) (schema.Row, bool, error)
	Children(table, parentColumn string, parent uuid.UUID) ([]schema.Row, error)
}

// Written is one change of a transaction and the row as it is after it. Op is 1
// for insert, 2 for update, 3 for delete; Cols are the columns that the change
// itself names.
type Written struct {
	Table string
	ID    uuid.UUID
	Op    uint8
	Cols  map[string]any
	After schema.Row
}

// The operations, as in a change.
const (
	opInsert = 1
	opDelete = 3
)
