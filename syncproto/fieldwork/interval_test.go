package fieldwork_test

import (
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
)

func TestEventInterval(t *testing.T) {
	const received = 1_000_000
	boot, other := id(1), id(2)
	at := func(b uuid.UUID, mono uint64) fieldwork.Moment {
		return fieldwork.Moment{Wall: -77, Boot: b, Mono: mono}
	}
	for _, tc := range []struct {
		name           string
		event, sending fieldwork.Moment
		transit, floor int64
		want           fieldwork.Interval
	}{
		{"same boot", at(boot, 5000), at(boot, 65000), 0, 0, fieldwork.Interval{Earliest: 940000, Latest: 940000}},
		{"same boot with transit", at(boot, 5000), at(boot, 65000), 2000, 0, fieldwork.Interval{Earliest: 938000, Latest: 940000}},
		{"sent at once", at(boot, 5), at(boot, 5), 0, 0, fieldwork.Interval{Earliest: received, Latest: received}},
		{"floor cuts the transit", at(boot, 5000), at(boot, 65000), 2000, 939500, fieldwork.Interval{Earliest: 939500, Latest: 940000}},
		{"contradicting floor is ignored", at(boot, 5000), at(boot, 65000), 2000, 950000, fieldwork.Interval{Earliest: 938000, Latest: 940000}},
		{"negative transit counts as none", at(boot, 5000), at(boot, 65000), -9, 0, fieldwork.Interval{Earliest: 940000, Latest: 940000}},
		{"other boot", at(other, 5000), at(boot, 65000), 2000, 0, fieldwork.Interval{Earliest: 0, Latest: received}},
		{"other boot with floor", at(other, 5000), at(boot, 65000), 2000, 400000, fieldwork.Interval{Earliest: 400000, Latest: received}},
		{"floor after receipt", at(other, 5000), at(boot, 65000), 0, 2_000_000, fieldwork.Interval{Earliest: received, Latest: received}},
		{"monotonic clock went back", at(boot, 65001), at(boot, 65000), 0, 0, fieldwork.Interval{Earliest: 0, Latest: received}},
		{"no boot known", at(uuid.Nil, 1), at(uuid.Nil, 2), 0, 0, fieldwork.Interval{Earliest: 0, Latest: received}},
		{"older than time itself", at(boot, 0), at(boot, 1<<63-1), 0, 0, fieldwork.Interval{Earliest: 0, Latest: received}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := fieldwork.EventInterval(tc.event, tc.sending, received, tc.transit, tc.floor); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// The phone's wall clock is a witness, not a judge (P10).
func TestWallClockNeverMovesAnInterval(t *testing.T) {
	boot := id(1)
	honest := fieldwork.EventInterval(fieldwork.Moment{Wall: 100, Boot: boot, Mono: 1}, fieldwork.Moment{Wall: 200, Boot: boot, Mono: 9}, 5000, 3, 0)
	faked := fieldwork.EventInterval(fieldwork.Moment{Wall: 1 << 50, Boot: boot, Mono: 1}, fieldwork.Moment{Wall: -1 << 50, Boot: boot, Mono: 9}, 5000, 3, 0)
	if honest != faked {
		t.Errorf("%+v became %+v", honest, faked)
	}
	if got := fieldwork.ClockError(fieldwork.Moment{Wall: 5660}, 5000); got != 660 {
		t.Errorf("clock error %d", got)
	}
}

func TestBothAndEither(t *testing.T) {
	a, b := fieldwork.Interval{Earliest: 1, Latest: 9}, fieldwork.Interval{Earliest: 4, Latest: 6}
	if got := fieldwork.Both(a, b); got != (fieldwork.Interval{Earliest: 4, Latest: 9}) || got != fieldwork.Both(b, a) {
		t.Errorf("both %+v", got)
	}
	if got := fieldwork.Either(a, b); got != (fieldwork.Interval{Earliest: 1, Latest: 6}) || got != fieldwork.Either(b, a) {
		t.Errorf("either %+v", got)
	}
}
