package report

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// Sample is what a phone's clocks showed when it pushed, and what the server's
// showed then. Times are Unix milliseconds.
type Sample struct {
	At   int64 // the server's clock
	Wall int64 // the phone's
	Mono uint64
	Boot uuid.UUID
}

// Offset is by how much the phone's clock was ahead.
func (s Sample) Offset() int64 { return s.Wall - s.At }

// Seconds is the offset in whole seconds with its sign, for a table.
func (s Sample) Seconds() string { return fmt.Sprintf("%+d", s.Offset()/1000) }

// Asked is an instruction that a phone was given, and what it said to it.
type Asked struct {
	ID        uuid.UUID
	Kind      string
	Args      string // JSON
	At        int64
	Withdrawn bool
	State     string // of the acknowledgement; "" for none yet
}

// PhoneFile is everything about one phone.
type PhoneFile struct {
	DeviceLine
	Logs    []Epoch  // newest first
	Samples []Sample // the latest pushes, newest first
	Asked   []Asked  // newest first
}

// PhoneFiles reads one phone of a centre; a NotFound fault for any other.
type PhoneFiles interface {
	Phone(ctx context.Context, centre, device uuid.UUID) (PhoneFile, error)
}
