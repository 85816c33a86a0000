// Package office is what a desk does: take in a call, dispatch, move an
// appointment, correct a contact, cancel, ask a phone for its originals,
// import files, decide a case, register a slip, judge a defect. Each is a
// method that checks what was typed, builds the edits and hands them to the
// journal as ONE transaction of the centre's office log.
//
// It must never write past the journal, never act in another centre than the
// person's own, and never half: a method that answers an error has written
// nothing, except where its comment says otherwise (import commits in parts).
//
// Faults carry dictionary keys; arguments stand behind '|', several sentences
// on lines of their own.
package office

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// Journal appends edits to a centre's office log; *ledger.Ledger is one.
type Journal interface {
	Write(ctx context.Context, centre uuid.UUID, by ledger.Author, edits []ledger.Edit) (ledger.Written, error)
}

// Who acts: a person in the role and centre of the session.
type Who struct {
	Person uuid.UUID
	Role   schema.Role
	Centre uuid.UUID
}

// author is who stands in the office log.
func (w Who) author() ledger.Author { return ledger.Author{Person: w.Person, Role: w.Role} }

// atCentre says whether this is somebody at a service centre's desk.
func (w Who) atCentre() bool { return w.Role == schema.Clerk || w.Role == schema.Supervisor }

// Rows reads the state of one centre.
type Rows interface {
	// StateRow gives one live row; false where the centre has none.
	StateRow(ctx context.Context, centre uuid.UUID, table string, id uuid.UUID) (schema.Row, bool, error)
	// StateRows gives the live rows of a table whose uuid column names id,
	// oldest first.
	StateRows(ctx context.Context, centre uuid.UUID, table, column string, id uuid.UUID) ([]schema.Row, error)
}

// Past is an earlier job of a customer, for the history that travels with a
// new one.
type Past struct {
	At      int64 // Unix milliseconds
	JobNo   string
	Summary string
}

// Book answers what a new job must fit to.
type Book interface {
	// LastJobNo is the highest job number of the centre that begins with the
	// prefix; "" for none.
	LastJobNo(ctx context.Context, centre uuid.UUID, prefix string) (string, error)
	// PastJobs gives a customer's earlier jobs, newest first.
	PastJobs(ctx context.Context, centre, customer uuid.UUID, limit int) ([]Past, error)
	// KnownContracts says which contract numbers the centre has already.
	KnownContracts(ctx context.Context, centre uuid.UUID) (map[string]bool, error)
	// KnownCustomers gives the customers by name and digits of the phone, see
	// [CustomerKey].
	KnownCustomers(ctx context.Context, centre uuid.UUID) (map[string]uuid.UUID, error)
	// Members are the people whose phones see a job now, those who found it on
	// the spot included.
	Members(ctx context.Context, centre, job uuid.UUID) ([]uuid.UUID, error)
}

// Reader is what the office reads.
type Reader interface {
	Rows
	Book
}

// Office does what a desk does. It is safe for concurrent use.
type Office struct {
	journal Journal
	reader  Reader
	schema  *schema.Descriptor
	now     func() time.Time
	newID   func() uuid.UUID
	zone    *time.Location

	numbering sync.Mutex // one job number at a time: read the last, write the next
}

// New builds an office. zone is the wall clock of job numbers and dates.
func New(journal Journal, reader Reader, descriptor *schema.Descriptor, now func() time.Time, newID func() uuid.UUID, zone *time.Location) (*Office, error) {
	if journal == nil || reader == nil || descriptor == nil || now == nil || newID == nil || zone == nil {
		return nil, errors.New("office: journal, reader, schema, clock, ids and zone are needed")
	}
	return &Office{journal: journal, reader: reader, schema: descriptor, now: now, newID: newID, zone: zone}, nil
}

// problems collects what is wrong with a form, so that all of it is said at
// once.
type problems []string

func (p *problems) add(key string, args ...string) {
	*p = append(*p, strings.Join(append([]string{key}, args...), "|"))
}

func (p *problems) when(wrong bool, key string, args ...string) {
	if wrong {
		p.add(key, args...)
	}
}

func (p problems) fault() error {
	if len(p) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, strings.Join(p, "\n"))
}

// text checks one text column of the schema: required, length, values. The
// column's own name is the argument of the sentence.
func (o *Office) text(p *problems, table, column, value string) {
	c := o.schema.Table(table).Column(column)
	field := table + "." + column
	switch {
	case c.Required && value == "":
		p.add("office.need", field)
	case c.Max > 0 && int64(len(value)) > c.Max:
		p.add("office.long", field)
	case value != "" && !c.Fits(value):
		p.add("office.value", field)
	}
}

// set puts a value into cols where there is one: empty stays null.
func set(cols map[string]any, column string, v any) {
	switch x := v.(type) {
	case string:
		if x != "" {
			cols[column] = x
		}
	case int64:
		if x != 0 {
			cols[column] = x
		}
	case uuid.UUID:
		if x != uuid.Nil {
			cols[column] = x[:]
		}
	case bool:
		cols[column] = x
	}
}
