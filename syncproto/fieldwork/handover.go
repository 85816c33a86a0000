package fieldwork

import (
	"cmp"
	"slices"

	"siteledger/syncproto/schema"
)

// Steps of a visit in the order in which they were recorded.
const (
	StepArrive    = "arrive"
	StepStandard  = "standard"
	StepSelfcheck = "selfcheck"
	StepFee       = "fee"
	StepSignature = "signature"
	StepFinish    = "finish"
)

// MayCharge refuses a fee before the fee standard was shown in this visit
// (OR-08). events are the visit's events that came before.
func MayCharge(events []schema.Row) *Violation {
	if hasEvent(events, StepStandard) {
		return nil
	}
	return &Violation{Code: "standard-not-shown",
		ZH: "收费之前要先请客户过目收费标准。",
		EN: "Show the fee standard to the customer before charging anything."}
}

// MaySign refuses the customer's page before the self-check of product, site
// and toolbox (OR-05). It is the same whether the customer then signs or not
// (SF-02), except that nobody checks a site where nobody was at home.
func MaySign(events []schema.Row, outcome string) *Violation {
	if outcome == Absent || hasEvent(events, StepSelfcheck) {
		return nil
	}
	return &Violation{Code: "selfcheck-missing",
		ZH: "请先自检产品、现场和工具箱,再请客户评价签字。",
		EN: "Check the product, the site and your toolbox before the customer rates and signs."}
}

// MayFinish refuses the end of a visit without an arrival.
func MayFinish(events []schema.Row) *Violation {
	if hasEvent(events, StepArrive) {
		return nil
	}
	return &Violation{Code: "not-arrived",
		ZH: "还没有记录到达,不能完工。",
		EN: "The arrival is not recorded, so the visit cannot be finished."}
}

func hasEvent(events []schema.Row, kind string) bool {
	return slices.ContainsFunc(events, func(e schema.Row) bool { return !e.Deleted && e.Text("kind") == kind })
}

// Step is one recorded step of a visit; Outcome is set on a signature.
type Step struct {
	Kind    string
	Outcome string
}

// Steps lines up a visit's rows in the order in which they were recorded: by
// rev as the server accepted them, the phone's unconfirmed rows behind, each
// by id. The phone's clock plays no part.
func Steps(v VisitRows) []Step {
	type placed struct {
		row  schema.Row
		step Step
	}
	var all []placed
	for _, e := range sortedOf(v, v.Events) {
		all = append(all, placed{e, Step{Kind: e.Text("kind")}})
	}
	for _, f := range sortedOf(v, v.Fees) {
		all = append(all, placed{f, Step{Kind: StepFee}})
	}
	for _, s := range sortedOf(v, v.Signatures) {
		if s.Text("signer") == SignerCustomer {
			all = append(all, placed{s, Step{Kind: StepSignature, Outcome: s.Text("outcome")}})
		}
	}
	for _, c := range sortedOf(v, v.Closes) {
		all = append(all, placed{c, Step{Kind: StepFinish}})
	}
	slices.SortStableFunc(all, func(a, b placed) int {
		if (a.row.Rev == 0) != (b.row.Rev == 0) {
			return cmp.Compare(b.row.Rev, a.row.Rev)
		}
		return cmp.Or(cmp.Compare(a.row.Rev, b.row.Rev), slices.Compare(a.row.ID[:], b.row.ID[:]))
	})
	steps := make([]Step, len(all))
	for i, p := range all {
		steps[i] = p.step
	}
	return steps
}

// CheckOrder names what was done in the wrong order (OR-05, OR-08), each rule
// once. It is for the phone's last page and for the office's queue; what was
// done is kept either way.
func CheckOrder(steps []Step) []Violation {
	seen := map[string]bool{}
	var events []schema.Row
	var out []Violation
	flag := func(v *Violation) {
		if v != nil && !seen[v.Code] {
			seen[v.Code] = true
			out = append(out, *v)
		}
	}
	for _, s := range steps {
		switch s.Kind {
		case StepFee:
			flag(MayCharge(events))
		case StepSignature:
			flag(MaySign(events, s.Outcome))
		case StepFinish:
			flag(MayFinish(events))
		}
		events = append(events, schema.Row{Cols: map[string]any{"kind": s.Kind}})
	}
	return out
}
