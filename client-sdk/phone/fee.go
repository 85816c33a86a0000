package phone

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// feeData is station 4.
type feeData struct {
	*jobFile
	Shown     bool // the standard was shown in this visit (OR-08)
	ShownAt   int64
	Standards []standard
	Lines     []schema.Row
	Total     int64
	Due       int64
	Currency  string
	Card      *shot // photo of the warranty card, where a card's price applies
	Receipts  []schema.Row
	Left      int // receipt numbers of this phone's own range
	Typed     feeForm
}

// standard is one line of the fee standard in force.
type standard struct {
	schema.Row
	Name, Unit string
}

// feeForm is what was typed, for a page after a refusal.
type feeForm struct{ Item, Quantity, Card, Charged, Reason string }

func feePage(q *ask) error { return q.showFee(http.StatusOK, "", feeForm{Quantity: "1"}) }

func (q *ask) showFee(status int, wrong string, typed feeForm) error {
	f, err := q.job()
	if err != nil {
		return err
	}
	v, err := f.onSite()
	if err != nil {
		return err
	}
	d := feeData{jobFile: f, Lines: v.Fees, Receipts: v.Receipts, Due: v.due(), Typed: typed}
	if e, ok := v.event("standard"); ok {
		d.Shown, d.ShownAt = true, e.Int("at")
	}
	if err := q.view(func(view *clientsdk.View) error {
		d.Standards, err = q.standards(view)
		return err
	}); err != nil {
		return err
	}
	carded := false
	for _, line := range d.Lines {
		d.Total += line.Int("charged")
		d.Currency = line.Text("currency")
		_, has := line.Cols["card_price"].(int64)
		carded = carded || has
	}
	if carded {
		d.Card = &q.shots(f, "/job/"+f.Job.ID.String()+"/fee", uuid.Nil, "warranty")[0]
		d.Card.Need = len(d.Card.Got) == 0
	}
	st, err := q.app.client.Status(q.r.Context())
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	d.Left = st.ReceiptsLeft
	return q.show(status, "fee", page{Title: q.t("step.fee"), Back: "/job/" + f.Job.ID.String(), Wrong: wrong, Body: d})
}

// standards are the approved prices in force now, by item.
func (q *ask) standards(v rows) ([]standard, error) {
	found, err := v.Rows("fee_standard", clientsdk.Query{})
	if err != nil {
		return nil, fmt.Errorf("fee standard: %w", err)
	}
	now := q.app.nowMilli()
	newest := map[string]schema.Row{}
	for _, r := range found {
		until := r.Int("valid_until")
		if r.Deleted || !r.Bool("approved") || r.Int("valid_from") > now || (until > 0 && until <= now) {
			continue
		}
		if old, ok := newest[r.Text("item")]; !ok || old.Int("valid_from") <= r.Int("valid_from") {
			newest[r.Text("item")] = r
		}
	}
	out := make([]standard, 0, len(newest))
	for _, r := range newest {
		s := standard{Row: r, Name: r.Text("name"), Unit: r.Text("unit")}
		if q.lang == langEN {
			s.Name = cmp.Or(r.Text("name_en"), s.Name)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b standard) int { return cmp.Compare(a.Text("item"), b.Text("item")) })
	return out, nil
}

// versionOf names the version of a list of prices: the newest of its lines.
func versionOf(list []standard) string {
	version, from := "", int64(-1)
	for _, s := range list {
		if s.Int("valid_from") >= from {
			version, from = s.Text("version"), s.Int("valid_from")
		}
	}
	return version
}

// standardPage is for the customer's eyes: 请客户过目.
func standardPage(q *ask) error {
	f, err := q.job()
	if err != nil {
		return err
	}
	if _, err := f.onSite(); err != nil {
		return err
	}
	var list []standard
	if err := q.view(func(v *clientsdk.View) error {
		list, err = q.standards(v)
		return err
	}); err != nil {
		return err
	}
	return q.show(http.StatusOK, "standard", page{Title: q.t("standard.title"), Back: "/job/" + f.Job.ID.String() + "/fee", Guest: true,
		Body: map[string]any{"Job": f.Job, "List": list, "Version": versionOf(list)}})
}

// standardShown serves POST /job/{job}/standard: the customer has seen it.
func standardShown(q *ask) error {
	err := q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		list, err := q.standards(e)
		if err != nil {
			return err
		}
		if last, ok := v.event("standard"); ok && last.Text("standard_version") == versionOf(list) {
			return nil
		}
		cols := q.eventRow(v.Visit, "standard", "")
		cols["standard_version"] = versionOf(list)
		_, err = e.Insert("visit_event", cols)
		return err
	})
	if err != nil {
		return err
	}
	return q.to("/job/"+q.r.PathValue("job")+"/fee", "standard")
}

// addFee serves POST /job/{job}/fee: one line by the standard, or by the
// warranty card where that is lower (FP-02), or below both with a reason.
func addFee(q *ask) error {
	typed := feeForm{q.field("item", 40), q.field("quantity", 10), q.field("card", 20), q.field("charged", 20), q.field("reason", 400)}
	id, err := q.formID()
	if err != nil {
		return err
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.onSite()
		if err != nil {
			return err
		}
		if broken := fieldwork.MayCharge(v.Events); broken != nil {
			return broken
		}
		list, err := q.standards(e)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(s standard) bool { return s.ID.String() == typed.Item })
		if i < 0 {
			return no("wrong.fee_item")
		}
		cols, err := typed.line(list[i])
		if err != nil {
			return err
		}
		cols["visit"] = v.Visit.ID[:]
		line := schema.Row{Table: "fee_line", Cols: cols}
		for _, broken := range []*fieldwork.Violation{fieldwork.CheckFeeLine(line), fieldwork.CheckFeeBasis(line)} {
			if broken != nil {
				return broken
			}
		}
		return q.insertOnce(e, "fee_line", id, cols)
	})
	if err != nil {
		status, text := q.sentence(err)
		if status == http.StatusInternalServerError {
			return err
		}
		return q.showFee(status, text, typed)
	}
	return q.to("/job/"+q.r.PathValue("job")+"/fee", "fee")
}

// line makes the columns of a fee line from what was typed.
func (t feeForm) line(s standard) (map[string]any, error) {
	quantity, err := parseCount(cmp.Or(t.Quantity, "1"), 1, 999)
	if err != nil {
		return nil, no("wrong.quantity")
	}
	cols := map[string]any{
		"item": s.Text("item"), "name": s.Text("name"), "standard_version": s.Text("version"),
		"quantity": quantity, "standard_price": s.Int("price"), "currency": s.Text("currency"),
	}
	if t.Card != "" {
		card, err := parseMoney(t.Card)
		if err != nil {
			return nil, no("wrong.money")
		}
		cols["card_price"] = card
	}
	limit, basis, ok := fieldwork.FeeLimit(schema.Row{Cols: cols})
	if !ok {
		return nil, no("wrong.money")
	}
	cols["charged"], cols["basis"] = limit, basis
	if t.Charged == "" {
		return cols, nil
	}
	charged, err := parseMoney(t.Charged)
	if err != nil {
		return nil, no("wrong.money")
	}
	cols["charged"] = charged
	if charged < limit {
		cols["basis"] = fieldwork.BasisBelow
		if t.Reason == "" {
			return nil, no("wrong.fee_reason")
		}
		cols["reason"] = t.Reason
	}
	return cols, nil
}
