package fieldwork_test

import (
	"errors"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

func TestCheckSplit(t *testing.T) {
	for _, tc := range []struct {
		percents []int64
		want     string
	}{
		{[]int64{100}, ""}, {[]int64{60, 40}, ""}, {[]int64{1, 99}, ""},
		{nil, "split-sum"}, {[]int64{60, 30}, "split-sum"}, {[]int64{60, 41}, "split-sum"},
		{[]int64{100, 0}, "split-share"}, {[]int64{150, -50}, "split-share"}, {[]int64{101}, "split-share"},
	} {
		err := fieldwork.CheckSplit(tc.percents)
		var v *fieldwork.Violation
		if (err == nil) != (tc.want == "") || (err != nil && !errors.As(err, &v)) {
			t.Errorf("%v: %v", tc.percents, err)
			continue
		}
		wantCode(t, v, tc.want)
	}
}

func TestCheckVerdict(t *testing.T) {
	share := func(n int64) schema.Row { return row("responsibility", 5, cols{"percent": n}) }
	for _, tc := range []struct {
		name   string
		c      cols
		shares []schema.Row
		want   string
	}{
		{"headquarters, whole", cols{"verdict": "hq"}, []schema.Row{share(100)}, ""},
		{"store, split", cols{"verdict": "store"}, []schema.Row{share(60), share(40)}, ""},
		{"customer without a split", cols{"verdict": "customer"}, nil, "split-sum"},
		{"carrier, short", cols{"verdict": "carrier"}, []schema.Row{share(60), share(30)}, "split-sum"},
		{"retake names it", cols{"verdict": "retake", "lacks": "没有全景"}, nil, ""},
		{"retake without", cols{"verdict": "retake"}, nil, "verdict-lacks"},
		{"return names it", cols{"verdict": "return", "lacks": "要摸得到"}, nil, ""},
		{"return with blanks", cols{"verdict": "return", "lacks": "  "}, nil, "verdict-lacks"},
		{"retake with a split", cols{"verdict": "retake", "lacks": "没有全景"}, []schema.Row{share(100)}, "split-early"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantCode(t, fieldwork.CheckVerdict(row("adjudication", 4, tc.c), tc.shares), tc.want)
		})
	}
}
