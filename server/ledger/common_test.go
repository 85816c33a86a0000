package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// TestCommonWhereOnlyPrevDiffers: a batch whose changes the server has, or lacks,
// but that hangs on another past, shares from - 2 at most: the change before it
// is another one (PROTOCOL.md, section 4).
func TestCommonWhereOnlyPrevDiffers(t *testing.T) {
	c := openCell(t, "unknown")
	c.push() // two changes
	c.record(c.note("z"))
	for from, want := range map[uint64]uint64{1: 0, 2: 0, 3: 1} {
		twin := *c.phone
		twin.heads = append([]changelog.Hash(nil), c.heads...)
		twin.heads[from-1][0]++
		for i := from; i <= uint64(len(twin.log)); i++ {
			twin.heads[i] = changelog.Next(twin.heads[i-1], twin.log[i-1])
		}
		_, err := c.led.Push(context.Background(), c.dev, twin.request(from, uint64(len(twin.log))))
		f := fault.Of(err)
		if f == nil || f.Code != syncproto.LogForked || f.Common == nil || *f.Common != want {
			t.Errorf("from %d: %v, want common %d", from, err, want)
			if f != nil && f.Common != nil {
				t.Errorf("common is %d", *f.Common)
			}
		}
	}
}

// TestHistoryComesBeforeGapAndFork: a phone that knows another history is told
// that first, whatever else is wrong with its place (PROTOCOL.md, section 4).
func TestHistoryComesBeforeGapAndFork(t *testing.T) {
	c := openCell(t, "known, at acked n")
	other := newID()
	gap := c.request(c.n+2, uint64(len(c.log)))
	gap.History = other[:]
	_, err := c.led.Push(context.Background(), c.dev, gap)
	c.refused(err, syncproto.HistoryChanged)

	twin := *c.phone
	twin.heads = append([]changelog.Hash(nil), c.heads...)
	twin.heads[c.n][0]++
	for i := c.n + 1; i <= uint64(len(twin.log)); i++ {
		twin.heads[i] = changelog.Next(twin.heads[i-1], twin.log[i-1])
	}
	fork := twin.request(c.n+1, uint64(len(twin.log)))
	fork.History = other[:]
	_, err = c.led.Push(context.Background(), c.dev, fork)
	c.refused(err, syncproto.HistoryChanged)
	if n := c.count("SELECT count(*) FROM quarantine"); n != 0 {
		t.Errorf("%d batches set aside", n)
	}
}

// TestForkCaseNamesTheLowestCommon: a later search that finds less in common
// moves the one case down, a higher number does not move it up.
func TestForkCaseNamesTheLowestCommon(t *testing.T) {
	c := openCell(t, "unknown")
	for range 2 {
		c.record(c.note("z"))
	}
	c.push() // four changes
	for i, part := range []struct{ shared, want int }{{3, 3}, {1, 1}, {2, 1}} {
		twin := *c.phone
		twin.log = append([][]byte(nil), c.log[:part.shared]...)
		twin.heads = append([]changelog.Hash(nil), c.heads[:part.shared+1]...)
		twin.record(c.note("twin"))
		_, err := c.led.Push(context.Background(), c.dev, twin.request(1, uint64(len(twin.log))))
		if fault.CodeOf(err) != syncproto.LogForked {
			t.Fatal(err)
		}
		if n := c.count(`SELECT count(*) FROM case_file WHERE kind = 'fork' AND sides LIKE $1`, fmt.Sprintf(`%%"common":%d,%%`, part.want)); n != 1 {
			t.Errorf("after fork %d the case does not say common %d", i+1, part.want)
		}
	}
}
