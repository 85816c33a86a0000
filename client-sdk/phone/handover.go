package phone

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/ink"
	"siteledger/syncproto/schema"
)

// handoverData is the customer's page: what was done, what it costs, what the
// customer thinks of it, and the signature. It shows nothing internal.
type handoverData struct {
	*jobFile
	Of       *visitFile
	Locked   bool
	HasPIN   bool
	Shown    string // hash of what the page shows, in hex
	Deferred bool
	Total    int64
	Due      int64
	Currency string
	Centre   string
	Signed   bool // an earlier signature no longer covers the content (SF-07)
	Faces    []int
	Lacks    string
	Done     string
}

func handoverPage(q *ask) error {
	id, err := q.pathID("job")
	if err != nil {
		return err
	}
	return q.handover(id, http.StatusOK, "")
}

// handover shows the technician's side before the lock, the customer's behind it.
func (q *ask) handover(id uuid.UUID, status int, wrong string) error {
	var d handoverData
	err := q.view(func(v *clientsdk.View) error {
		f, err := loadJob(v, id, q.me())
		if err != nil {
			return err
		}
		me, _ := q.app.client.Identity()
		d.jobFile = f
		centre, _, err := v.Row("centre", me.Centre)
		d.Centre = centre.Text("name")
		if q.lang == langEN {
			d.Centre = cmp.Or(centre.Text("name_en"), d.Centre)
		}
		return err
	})
	locked := q.app.settings.get().LockedJob == id.String()
	answered := locked && q.app.settings.get().Answered
	if err == nil {
		if d.Of, err = d.toSign(); err != nil && answered && len(d.Past) > 0 {
			d.Of, err = d.Past[len(d.Past)-1], nil // signed again just now
		}
	}
	if err != nil {
		if locked { // the job left this phone: nothing holds the screen any more
			if uerr := q.app.settings.update(func(f *settingsFile) { f.LockedJob, f.Answered = "", false }); uerr != nil {
				return uerr
			}
		}
		return err
	}
	d.Locked = locked
	d.HasPIN = len(q.app.settings.get().PINHash) > 0
	d.Faces = []int{5, 4, 3, 2, 1}
	for _, fee := range d.Of.Fees {
		d.Total += fee.Int("charged")
		d.Currency = fee.Text("currency")
	}
	d.Due = d.Of.due()
	d.Deferred = d.Of.Record != nil && d.Of.Record.Bool("deferred")
	d.Shown = shownHash(d.Of)
	d.Signed = fieldwork.StateOf(d.Of.VisitRows) == fieldwork.SignatureSuperseded
	if !locked {
		if broken := fieldwork.MaySign(d.Of.Events, fieldwork.Signed); broken != nil {
			d.Lacks = broken.In(q.lang)
		}
		return q.show(status, "handover", page{Title: q.t("step.handover"), Back: "/job/" + id.String(), Wrong: wrong, Body: d})
	}
	if answered {
		return q.show(status, "handed", page{Title: q.t("customer.title"), Guest: true, Wrong: wrong, Body: d})
	}
	return q.show(status, "customer", page{Title: q.t("customer.title"), Guest: true, Wrong: wrong, Body: d})
}

// shownHash is the hash of the visit's content before the customer's ratings.
func shownHash(v *visitFile) string {
	bare := v.VisitRows
	bare.Rating = nil
	_, hash := fieldwork.Bound(bare)
	return hex.EncodeToString(hash[:])
}

// startHandover serves POST /job/{job}/handover: the phone goes into the
// customer's hands. From here only the PIN leads back, also when the customer
// is done: the phone is still in the customer's hands then.
func startHandover(q *ask) error {
	id, err := q.pathID("job")
	if err != nil {
		return err
	}
	if len(q.app.settings.get().PINHash) == 0 {
		pin := halfWidth(q.r.FormValue("pin"))
		if !validPIN(pin) {
			return q.handover(id, http.StatusUnprocessableEntity, q.t("wrong.pin_form"))
		}
		if err := q.app.settings.setPIN(pin, q.app.rand); err != nil {
			return err
		}
	}
	err = q.change(func(e *clientsdk.Edit, f *jobFile) error {
		v, err := f.toSign()
		if err != nil {
			return err
		}
		if broken := fieldwork.MaySign(v.Events, fieldwork.Signed); broken != nil {
			return broken
		}
		_, err = e.Insert("visit_event", q.eventRow(v.Visit, "handover", ""))
		return err
	})
	if err != nil {
		return err
	}
	if err := q.app.settings.update(func(f *settingsFile) { f.LockedJob, f.Answered = id.String(), false }); err != nil {
		return err
	}
	return q.to("/job/"+id.String()+"/handover", "")
}

// sign serves POST /job/{job}/sign: the customer's end of the page. Signing, the
// code and the ways of not signing are equal (SF-02); ratings are the customer's
// own and never asked for twice.
func sign(q *ask) error {
	id, err := q.pathID("job")
	if err != nil {
		return err
	}
	if s := q.app.settings.get(); s.LockedJob != id.String() || s.Answered {
		return no("wrong.not_handed")
	}
	q.r.Body = http.MaxBytesReader(q.w, q.r.Body, maxForm)
	if err := q.r.ParseMultipartForm(maxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return no("wrong.form")
	}
	outcome, err := q.choice("outcome", "signature", "outcome")
	if err != nil || outcome == "" || outcome == fieldwork.Absent {
		return no("wrong.form")
	}
	end := given{outcome: outcome, reason: q.field("reason", 400)}
	switch outcome {
	case fieldwork.Signed:
		if end.drawing, err = ink.Signature(q.field("strokes", ink.MaxText+1)); err != nil {
			return q.customerAgain(id, no("wrong.no_ink"))
		}
	case fieldwork.ByCode:
		if end.code = halfWidth(q.field("code", 40)); !fieldwork.ValidCode(end.code) {
			return q.customerAgain(id, no("wrong.customer_code"))
		}
	}
	rating, err := q.typedRating()
	if err != nil {
		return err
	}
	if err := q.storeSignature(id, end, rating); err != nil {
		return q.customerAgain(id, err)
	}
	if err := q.app.settings.update(func(f *settingsFile) { f.Answered = true }); err != nil {
		return err
	}
	return q.to("/job/"+id.String()+"/handover", "thanks")
}

// customerAgain shows the customer's page with the sentence; a script gets the
// sentence alone and keeps what was drawn.
func (q *ask) customerAgain(id uuid.UUID, err error) error {
	status, text := q.sentence(err)
	if status == http.StatusInternalServerError || q.quiet() {
		return err
	}
	return q.handover(id, status, text)
}

// given is how the customer's page ended: the outcome with what belongs to it.
type given struct {
	outcome string
	reason  string
	code    string
	drawing ink.Drawing
	picture *clientsdk.Attachment // made from the drawing
}

// typedRating reads the two ratings; nil where the customer gave none.
func (q *ask) typedRating() (map[string]any, error) {
	quality, attitude := q.field("quality", 2), q.field("attitude", 2)
	if quality == "" || attitude == "" {
		return nil, nil //nolint:nilnil // no rating is an ordinary answer
	}
	a, err := parseCount(quality, 1, 5)
	if err != nil {
		return nil, no("wrong.form")
	}
	b, err := parseCount(attitude, 1, 5)
	if err != nil {
		return nil, no("wrong.form")
	}
	cols := map[string]any{"quality": a, "attitude": b, "handover": true}
	if c := q.field("comment", 2000); c != "" {
		cols["comment"] = c
	}
	return cols, nil
}

// storeSignature writes rating and signature as one transaction, bound to what
// the page showed: where that changed meanwhile, nothing is signed (SF-07).
func (q *ask) storeSignature(job uuid.UUID, end given, rating map[string]any) error {
	if end.outcome == fieldwork.Signed {
		image, err := end.drawing.PNG()
		if err != nil {
			return err
		}
		at, err := q.app.client.Attach(q.r.Context(), bytes.NewReader(image), syncproto.PurposeSignature, "image/png")
		if err != nil {
			return fmt.Errorf("store signature: %w", err)
		}
		end.picture = &at
	}
	return q.edit(func(e *clientsdk.Edit) error {
		f, err := loadJob(e, job, q.me())
		if err != nil {
			return err
		}
		v, err := f.toSign()
		if err != nil {
			return err
		}
		if q.field("shown", 64) != shownHash(v) {
			return no("wrong.content_changed")
		}
		if rating != nil && (v.Rating == nil || !sameRating(*v.Rating, rating)) {
			rating["visit"] = v.Visit.ID
			if _, err := e.Insert("rating", rating); err != nil {
				return fmt.Errorf("rating: %w", err)
			}
		}
		return q.insertSignature(e, job, v.Visit.ID, end)
	})
}

func sameRating(r schema.Row, cols map[string]any) bool {
	for name, v := range cols {
		if !sameValue(r.Cols[name], v) {
			return false
		}
	}
	return r.Text("comment") == "" || cols["comment"] != nil
}

// insertSignature writes the signature with the content as the rows now are,
// the customer's ratings among them.
func (q *ask) insertSignature(e *clientsdk.Edit, job, visit uuid.UUID, end given) error {
	f, err := loadJob(e, job, q.me())
	if err != nil {
		return err
	}
	v := f.visit(visit)
	if v == nil {
		return gone()
	}
	content, hash := fieldwork.Bound(v.VisitRows)
	cols := map[string]any{
		"visit": visit, "signer": fieldwork.SignerCustomer, "outcome": end.outcome, "at": q.app.nowMilli(), "content_hash": hash[:],
	}
	if len(content) <= fieldwork.MaxContent {
		cols["content"] = content
	}
	if end.reason != "" {
		cols["reason"] = end.reason
	}
	if end.picture != nil {
		cols["image"], cols["image_size"] = end.picture.SHA256[:], end.picture.Size
		cols["strokes"] = end.drawing.String()
	}
	if end.code != "" {
		cols["code"] = end.code
	}
	if _, err := e.Insert("signature", cols); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	return nil
}
