package fieldwork

import (
	"math"
	"testing"
)

func TestPhotoOutsideItsVisit(t *testing.T) {
	const minute = 60 * 1000
	var open, over, doubtful VisitSpan
	open.Begin(At(1000 * minute))
	open.Begin(At(990 * minute))
	over = open
	over.End(At(1060 * minute))
	over.End(At(1050 * minute))
	doubtful.Begin(Interval{900 * minute, 1000 * minute})
	doubtful.End(Interval{1000 * minute, 1200 * minute})
	for name, c := range map[string]struct {
		span  VisitSpan
		taken int64
		want  int64
	}{
		"within":                    {over, 1000 * minute, 0},
		"on the way":                {over, 981 * minute, 0},
		"the day before":            {over, (990 - 1440) * minute, -1440 * minute},
		"at the door":               {over, 1069 * minute, 0},
		"in the evening":            {over, 1460 * minute, 400 * minute},
		"visit not closed":          {open, 5000 * minute, 0},
		"no steps":                  {VisitSpan{}, 5, 0},
		"within a doubted interval": {doubtful, 905 * minute, 0},
		"a clock in the far future": {over, math.MaxInt64, 1<<53 - 1060*minute},
		"a clock before everything": {over, math.MinInt64, -(1 << 53) - 990*minute},
	} {
		if got := c.span.Outside(c.taken); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
