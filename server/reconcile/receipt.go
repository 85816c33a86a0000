package reconcile

import (
	"context"

	"siteledger/syncproto/fieldwork"
)

// receipt keeps money countable: a number that was used before, or that was
// never leased to the device, is applied as the fact that it is and becomes a
// case (FP-03).
func (w *work) receipt(ctx context.Context, r *Row) error {
	if w.unit.Office {
		return nil
	}
	no := r.Text("no")
	same, err := w.find(ctx, "receipt", "no", no)
	if err != nil {
		return err
	}
	leased, err := w.find(ctx, "receipt_range", "device", w.unit.Log.Device[:])
	if err != nil {
		return err
	}
	var ranges []fieldwork.Range
	for _, l := range leased {
		ranges = append(ranges, fieldwork.Range{Prefix: l.Text("prefix"), From: l.Int("first"), To: l.Int("last")})
	}
	detail := ""
	switch {
	case len(same) > 1:
		detail = "收据号 " + no + " 用了两次。\nReceipt number " + no + " was used twice."
	case !fieldwork.Within(no, ranges):
		detail = "收据号 " + no + " 不在这部手机的号段里。\nReceipt number " + no + " is not from this phone's range."
	default:
		return nil
	}
	c := Case{ID: derivedID("receipt", w.unit.Log, w.current, no), Kind: CaseReceipt, Root: r.Root, Table: "receipt", Row: r.ID, Column: "no", Blocking: true,
		OpenedAt: w.unit.Received, Rev: w.rev, Sides: Sides{Column: "no", Reason: "receipt", Detail: detail, Proposal: "standing"}}
	if s, ok := r.Clock.Stamp("no"); ok {
		c.Sides.Other = view(nil, no, s)
	}
	for _, o := range same {
		if s, ok := o.Clock.Stamp("no"); ok && o.ID != r.ID {
			c.Sides.Standing = view(nil, no, s)
		}
	}
	w.effects.Cases = append(w.effects.Cases, c)
	w.touchJob(r.Root)
	return nil
}
