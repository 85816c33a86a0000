package fieldwork_test

import (
	"math"
	"slices"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

func price(n int64) *int64 { return &n }

func TestFee(t *testing.T) {
	for _, tc := range []struct {
		standard int64
		card     *int64
		charged  int64
		basis    string
	}{
		{12000, price(10000), 10000, "card"},
		{10000, price(12000), 10000, "standard"},
		{10000, price(10000), 10000, "standard"},
		{10000, nil, 10000, "standard"},
		{10000, price(0), 0, "card"},
		{0, price(5), 0, "standard"},
		{10000, price(-1), 10000, "standard"},
	} {
		if got, basis := fieldwork.Fee(tc.standard, tc.card); got != tc.charged || basis != tc.basis {
			t.Errorf("%+v: got %d by %s", tc, got, basis)
		}
	}
}

func feeLine(c cols) schema.Row {
	return with(row("fee_line", 30, cols{"visit": ref(2), "item": "A1", "name": "上门费", "standard_version": "2026-1", "quantity": int64(2),
		"standard_price": int64(5000), "charged": int64(10000), "currency": "CNY", "basis": "standard"}), c)
}

func TestCheckFeeLine(t *testing.T) {
	for _, tc := range []struct {
		name string
		c    cols
		want string
	}{
		{"at the standard", nil, ""},
		{"one fen above", cols{"charged": int64(10001)}, "fee-above-standard"},
		{"below", cols{"charged": int64(9999)}, ""},
		{"at the card", cols{"card_price": int64(4000), "charged": int64(8000)}, ""},
		{"above the card, below the standard", cols{"card_price": int64(4000), "charged": int64(8001)}, "fee-above-standard"},
		{"dearer card does not lift the limit", cols{"card_price": int64(9000), "charged": int64(10001)}, "fee-above-standard"},
		{"free by the card", cols{"card_price": int64(0), "charged": int64(1)}, "fee-above-standard"},
		{"negative charge", cols{"charged": int64(-1)}, "fee-numbers"},
		{"quantity 0", cols{"quantity": int64(0), "charged": int64(0)}, "fee-numbers"},
		{"negative card", cols{"card_price": int64(-5)}, "fee-numbers"},
		{"negative standard", cols{"standard_price": int64(-5), "charged": int64(0)}, "fee-numbers"},
		{"product beyond int64", cols{"standard_price": int64(math.MaxInt64), "charged": int64(5)}, "fee-numbers"},
	} {
		t.Run(tc.name, func(t *testing.T) { wantCode(t, fieldwork.CheckFeeLine(feeLine(tc.c)), tc.want) })
	}
}

func TestCheckFeeBasis(t *testing.T) {
	for _, tc := range []struct {
		name string
		c    cols
		want string
	}{
		{"standard", nil, ""},
		{"says card without one", cols{"basis": "card"}, "fee-basis"},
		{"card", cols{"card_price": int64(4000), "charged": int64(8000), "basis": "card"}, ""},
		{"says standard, card was lower", cols{"card_price": int64(4000), "charged": int64(8000)}, "fee-basis"},
		{"below with a reason", cols{"charged": int64(1), "basis": "below", "reason": "老顾客"}, ""},
		{"below without a reason", cols{"charged": int64(1), "basis": "below", "reason": " "}, "fee-below"},
		{"below called standard", cols{"charged": int64(1), "reason": "老顾客"}, "fee-below"},
	} {
		t.Run(tc.name, func(t *testing.T) { wantCode(t, fieldwork.CheckFeeBasis(feeLine(tc.c)), tc.want) })
	}
}

func TestFeeDoubts(t *testing.T) {
	standard := row("fee_standard", 40, cols{"item": "A1", "version": "2026-1", "price": int64(5000), "currency": "CNY", "approved": true,
		"valid_from": int64(1000), "valid_until": int64(2000)})
	for _, tc := range []struct {
		name     string
		standard schema.Row
		line     cols
		at       int64
		want     []string
	}{
		{"as approved", standard, nil, 1500, []string{}},
		{"time unknown", standard, nil, 0, []string{}},
		{"first moment", standard, nil, 1000, []string{}},
		{"too early", standard, nil, 999, []string{"fee-version"}},
		{"over", standard, nil, 2000, []string{"fee-version"}},
		{"without an end", with(standard, cols{"valid_until": nil}), nil, 99999, []string{}},
		{"other price", standard, cols{"standard_price": int64(6000)}, 1500, []string{"fee-price"}},
		{"unknown item", standard, cols{"item": "B2"}, 1500, []string{"fee-unapproved"}},
		{"unknown version", standard, cols{"standard_version": "2025-1"}, 1500, []string{"fee-unapproved"}},
		{"not approved", with(standard, cols{"approved": false}), nil, 1500, []string{"fee-unapproved"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := codes(fieldwork.FeeDoubts(feeLine(tc.line), []schema.Row{tc.standard}, tc.at)); !slices.Equal(got, tc.want) {
				t.Errorf("doubts %v, want %v", got, tc.want)
			}
		})
	}
}

func TestYuan(t *testing.T) {
	for fen, want := range map[int64]string{0: "0.00", 5: "0.05", 12345: "123.45", -5: "-0.05", -12345: "-123.45", math.MinInt64: "-92233720368547758.08"} {
		if got := fieldwork.Yuan(fen); got != want {
			t.Errorf("%d: %s, want %s", fen, got, want)
		}
	}
}
