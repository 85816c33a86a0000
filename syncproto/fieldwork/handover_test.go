package fieldwork_test

import (
	"slices"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

func event(n uint64, kind string) schema.Row {
	return row("visit_event", n, cols{"visit": ref(2), "kind": kind})
}

func TestMay(t *testing.T) {
	none, all := []schema.Row{event(1, "depart")}, []schema.Row{event(1, "arrive"), event(2, "standard"), event(3, "selfcheck")}
	wantCode(t, fieldwork.MayCharge(none), "standard-not-shown")
	wantCode(t, fieldwork.MayCharge(all), "")
	wantCode(t, fieldwork.MayFinish(none), "not-arrived")
	wantCode(t, fieldwork.MayFinish(all), "")
	for _, outcome := range []string{"signed", "refused", "later", "unable"} { // all alike (SF-02)
		wantCode(t, fieldwork.MaySign(none, outcome), "selfcheck-missing")
		wantCode(t, fieldwork.MaySign(all, outcome), "")
	}
	wantCode(t, fieldwork.MaySign(none, "absent"), "")
	gone := event(3, "selfcheck")
	gone.Deleted = true
	wantCode(t, fieldwork.MaySign([]schema.Row{gone}, "signed"), "selfcheck-missing")
}

func TestCheckOrder(t *testing.T) {
	step := func(kinds ...string) []fieldwork.Step {
		var out []fieldwork.Step
		for _, k := range kinds {
			out = append(out, fieldwork.Step{Kind: k, Outcome: "signed"})
		}
		return out
	}
	for _, tc := range []struct {
		name  string
		steps []fieldwork.Step
		want  []string
	}{
		{"as it should be", step("depart", "arrive", "standard", "fee", "selfcheck", "handover", "signature", "finish"), nil},
		{"fee before the standard", step("arrive", "fee", "standard", "selfcheck", "signature", "finish"), []string{"standard-not-shown"}},
		{"signature before the self-check", step("arrive", "signature", "selfcheck", "finish"), []string{"selfcheck-missing"}},
		{"never arrived", step("depart", "selfcheck", "signature", "finish"), []string{"not-arrived"}},
		{"each rule once", step("fee", "fee", "signature", "signature", "finish"), []string{"standard-not-shown", "selfcheck-missing", "not-arrived"}},
		{"a visit without fees or signature", step("arrive", "finish"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, v := range fieldwork.CheckOrder(tc.steps) {
				got = append(got, v.Code)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestStepsFollowTheLogNotTheClock(t *testing.T) {
	at := func(r schema.Row, rev uint64) schema.Row { r.Rev = rev; return r }
	v := visitRows()
	v.Events = []schema.Row{at(event(9, "arrive"), 5), event(1, "leave"), at(event(8, "standard"), 6), at(event(3, "selfcheck"), 9)}
	v.Fees = []schema.Row{at(feeLine(nil), 7)}
	v.Signatures = []schema.Row{at(with(signed(v, 70), cols{"outcome": "refused"}), 10), at(with(signed(v, 71), cols{"signer": "designer"}), 8)}
	v.Closes = []schema.Row{row("visit_close", 90, cols{"visit": ref(2)})}
	var got []string
	for _, s := range fieldwork.Steps(v) {
		got = append(got, s.Kind+s.Outcome)
	}
	want := []string{"arrive", "standard", "fee", "selfcheck", "signaturerefused", "leave", "finish"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if out := fieldwork.CheckOrder(fieldwork.Steps(v)); out != nil {
		t.Errorf("a good visit is flagged: %+v", out)
	}
}
