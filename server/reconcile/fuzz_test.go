package reconcile

import (
	"bytes"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/mutate"
	"siteledger/syncproto/schema"
)

func clocks(t *schema.Table) [][]byte {
	id := uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-000000000001")
	var one, two Clock
	one.set(Stamp{Rev: 5, HLC: 1 << 50, Log: LogID{Device: id, Epoch: id}, Seq: 3, Actor: id, Role: schema.Installer, Assigned: true, Wall: -4, Received: 9}, t.Columns[0].Name, t.Columns[1].Name)
	two = one.clone()
	two.set(Stamp{Rev: 1 << 40, HLC: 7, Office: true, Role: schema.Clerk}, t.Columns[1].Name)
	return [][]byte{one.Encode(t), two.Encode(t), {1}, {}}
}

// ticks: a stored clock is read or refused, and what is read is written so
// that it reads the same.
func ticks(table *schema.Table) func(testing.TB, []byte) bool {
	return func(t testing.TB, b []byte) bool {
		c, err := DecodeClock(table, b)
		if err != nil {
			return false
		}
		first := c.Encode(table)
		again, err := DecodeClock(table, first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if second := again.Encode(table); !bytes.Equal(first, second) {
			t.Fatalf("first  %x\nsecond %x", first, second)
		}
		return true
	}
}

func FuzzDecodeClock(f *testing.F) {
	table := schema.MustCurrent().Table("job_contact")
	for _, b := range clocks(table) {
		f.Add(b)
	}
	body := ticks(table)
	f.Fuzz(func(t *testing.T, b []byte) { body(t, b) })
}

func TestFuzzed(t *testing.T) {
	table := schema.MustCurrent().Table("job_contact")
	mutate.Run(t, "FuzzDecodeClock", 30_000, clocks(table), ticks(table))
}
