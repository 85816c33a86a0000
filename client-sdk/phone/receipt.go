package phone

import (
	"fmt"
	"net/http"

	clientsdk "siteledger/client-sdk"
)

// issueReceipt serves POST /job/{job}/receipt: a receipt for all that has none
// yet, with the next number of this phone's own range (FP-03). The number and
// the row are one transaction: no number is ever used twice or lost.
func issueReceipt(q *ask) error {
	way, err := q.choice("way", "receipt", "way")
	if err != nil {
		return err
	}
	invoice, err := q.choice("invoice", "receipt", "invoice")
	if err != nil {
		return err
	}
	if way == "" {
		return q.showFee(http.StatusUnprocessableEntity, q.t("wrong.way"), feeForm{Quantity: "1"})
	}
	id, err := q.formID()
	if err != nil {
		return err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		if _, there, err := e.Row("receipt", id); err != nil || there {
			return err
		}
		due := v.due()
		if due <= 0 {
			return no("wrong.nothing_due")
		}
		number, err := e.NextReceipt()
		if err != nil {
			return fmt.Errorf("receipt number: %w", err)
		}
		cols := map[string]any{
			"visit": v.Visit.ID, "no": number, "amount": due, "currency": v.Fees[0].Text("currency"),
			"way": way, "issued_at": q.app.nowMilli(), "payer": q.field("payer", 120),
		}
		if invoice != "" {
			cols["invoice"] = invoice
		}
		return e.InsertID("receipt", id, cols)
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job")+"/fee", "receipt")
}

// askWaiver serves POST /job/{job}/waiver: only a request. The amount due stays
// until the centre decides (FP-04).
func askWaiver(q *ask) error {
	amount, err := parseMoney(q.field("amount", 20))
	if err != nil || amount == 0 {
		return no("wrong.money")
	}
	reason := q.field("reason", 400)
	if reason == "" {
		return no("wrong.waiver_reason")
	}
	if !q.ticked("explained") {
		return no("wrong.explained")
	}
	id, err := q.formID()
	if err != nil {
		return err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		currency := "CNY"
		var charged int64
		for _, fee := range v.Fees {
			currency, charged = fee.Text("currency"), charged+fee.Int("charged")
		}
		if amount > charged {
			return no("wrong.waiver_much")
		}
		return q.insertOnce(e, "waiver", id, map[string]any{
			"visit": v.Visit.ID, "amount": amount, "currency": currency, "reason": reason, "explained": true, "status": "pending",
		})
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job")+"/fee", "waiver")
}
