package office_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
)

// drawn is what a hand draws in half a second; again is another hand's.
const (
	drawn = "1|360|100 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16"
	again = "1|360|120 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16"
)

// signs gives a signature as the screen's form would.
func signs(t *testing.T, w *benchtest.World, s *benchtest.Story, strokes string) office.StaffSignature {
	t.Helper()
	return office.StaffSignature{Defect: s.Defect, Shown: order(t, w, s).Shown, Signer: "store", Name: "陈店长", Strokes: strokes}
}

func order(t *testing.T, w *benchtest.World, s *benchtest.Story) office.SignedLeftover {
	t.Helper()
	o, err := w.Bench.SignedLeftover(context.Background(), w.Centre, w.Row("defect", s.Defect))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// sign does what the screen does: picture, store, row.
func sign(w *benchtest.World, who office.Who, in office.StaffSignature) error {
	ctx := context.Background()
	picture, err := w.Bench.StaffPicture(ctx, who, w.Centre, in)
	if err != nil {
		return err
	}
	return w.Bench.SignLeftover(ctx, who, w.Centre, in, sha256.Sum256(picture))
}

// TestLeftoverIsSubmittedByADrawnSignature: only a drawing of what is filed now,
// given at the centre, submits an order; a typed name does not (SF-06).
func TestLeftoverIsSubmittedByADrawnSignature(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	mustFault(t, sign(w, w.Clerk, signs(t, w, s, drawn)), fault.Invalid, "leftover.sign-unfiled")
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, filled(s)); err != nil {
		t.Fatal(err)
	}
	if o := order(t, w, s); !o.Filed || o.State != fieldwork.SignatureNone || o.Shown == "" || !strings.Contains(o.Text, "填写 change_content") {
		t.Fatalf("%+v", o)
	}
	for name, strokes := range map[string]string{"typed": "陈店长", "nothing": "", "a dot": "1|360|10 10 0", "in no time": "1|360|0 0 0" + strings.Repeat(" 50 10 0", 12), "huge": "1|360|" + strings.Repeat("1 1 1 ", 9000)} {
		if err := sign(w, w.Clerk, signs(t, w, s, strokes)); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "leftover.sign-drawn") {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := signs(t, w, s, drawn)
	bad.Signer, bad.Name = "customer", " "
	mustFault(t, sign(w, w.Clerk, bad), fault.Invalid, "leftover.need|leftover_signature.signer\nleftover.need|leftover_signature.name")
	for _, who := range []office.Who{w.Stranger, w.Adjudicator, w.Admin} {
		mustFault(t, sign(w, who, signs(t, w, s, drawn)), syncproto.Forbidden, "")
	}
	shown := signs(t, w, s, drawn)
	shown.Shown = strings.Repeat("0", 64)
	mustFault(t, sign(w, w.Clerk, shown), fault.Stale, "leftover.sign-changed")

	in := signs(t, w, s, drawn)
	for range 2 { // a second tap changes nothing
		if err := sign(w, w.Clerk, in); err != nil {
			t.Fatal(err)
		}
	}
	got := rows(t, w, "leftover_signature", s.Defect)
	if len(got) != 1 || got[0].Text("strokes") != drawn || got[0].Text("name") != "陈店长" || got[0].UUID("author") != w.Clerk.Person || len(got[0].Bytes("image")) != 32 {
		t.Fatalf("%v", got)
	}
	if o := order(t, w, s); o.State != fieldwork.SignatureCovers || len(o.Signatures) != 1 {
		t.Fatalf("%s, %d signatures", o.State, len(o.Signatures))
	}
}

// TestStaffSignatureIsSuperseded: a change of what was signed asks for a new
// signature and names what changed; the old drawing cannot be used again, here
// or for another order.
func TestStaffSignatureIsSuperseded(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	in := filled(s)
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, in); err != nil {
		t.Fatal(err)
	}
	if err := sign(w, w.Clerk, signs(t, w, s, drawn)); err != nil {
		t.Fatal(err)
	}
	// A note, a mark and another drawing are not what was signed.
	if err := w.Bench.Advise(ctx, w.Clerk, w.Centre, s.Defect, "建议重做"); err != nil {
		t.Fatal(err)
	}
	if err := w.Bench.Attach(ctx, w.Clerk, w.Centre, office.Annex{Defect: s.Defect, Name: "批次.pdf", SHA: [32]byte(benchtest.Sum("pdf")), Size: 900, Type: "application/pdf", ActualSize: true}); err != nil {
		t.Fatal(err)
	}
	if o := order(t, w, s); o.State != fieldwork.SignatureCovers {
		t.Fatalf("what was not signed breaks it: %s", o.State)
	}
	in.Base, in.Texts["change_content"] = rows(t, w, "leftover_order", s.Defect)[0].Rev, "改成重做整组"
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, in); err != nil {
		t.Fatal(err)
	}
	o := order(t, w, s)
	if o.State != fieldwork.SignatureSuperseded || len(o.Signatures[0].Changed) != 1 || o.Signatures[0].Changed[0].Column != "change_content" {
		t.Fatalf("%s, %v", o.State, o.Signatures[0].Changed)
	}
	mustFault(t, sign(w, w.Clerk, signs(t, w, s, drawn)), fault.Invalid, "leftover.sign-replay")
	if err := sign(w, w.Supervisor, signs(t, w, s, again)); err != nil {
		t.Fatal(err)
	}
	if o = order(t, w, s); o.State != fieldwork.SignatureCovers || len(o.Signatures) != 2 {
		t.Fatalf("signed again: %s", o.State)
	}
	other := w.Finished()
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, filled(other)); err != nil {
		t.Fatal(err)
	}
	mustFault(t, sign(w, w.Clerk, signs(t, w, other, again)), fault.Invalid, "leftover.sign-replay")
}

// TestUnsignedOrderIsNotJudged: an order that was filed and that no drawn
// signature covers is not submitted (SF-06): no final verdict, alone or
// together with others; photos and goods may be asked for. Signed, it is judged.
func TestUnsignedOrderIsNotJudged(t *testing.T) {
	w := benchtest.Open(t)
	ctx := context.Background()
	s, other := w.Finished(), w.Finished()
	in := filled(s)
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, in); err != nil {
		t.Fatal(err)
	}
	_, err := adjudicate(w, w.Adjudicator, judged(s, "hq"))
	mustFault(t, err, fault.Invalid, "adjudicate.unsigned")
	_, together, err := w.Bench.AdjudicateAlike(ctx, w.Adjudicator, w.Centre, judged(other, "hq"), []office.Alike{{Centre: w.Centre, Defect: s.Defect, Base: w.Row("defect", s.Defect).Rev}})
	if err != nil || together.Done != 0 || len(together.Left) != 1 {
		t.Fatalf("judged together: %+v, %v", together, err)
	}
	if err := sign(w, w.Clerk, signs(t, w, s, drawn)); err != nil {
		t.Fatal(err)
	}
	in.Base, in.Texts["change_content"] = rows(t, w, "leftover_order", s.Defect)[0].Rev, "改成重做整组"
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, in); err != nil {
		t.Fatal(err)
	}
	_, err = adjudicate(w, w.Adjudicator, judged(s, "hq"))
	mustFault(t, err, fault.Invalid, "adjudicate.resign")
	if status := w.Row("defect", s.Defect).Text("status"); status != "submitted" {
		t.Fatalf("after refusals the defect is %s", status)
	}
	if err := sign(w, w.Clerk, signs(t, w, s, again)); err != nil {
		t.Fatal(err)
	}
	if _, err := adjudicate(w, w.Adjudicator, judged(s, "hq")); err != nil {
		t.Fatal(err)
	}
	third := w.Finished()
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, filled(third)); err != nil {
		t.Fatal(err)
	}
	if _, err := adjudicate(w, w.Adjudicator, office.Judgement{Defect: third.Defect, Verdict: "return", Lacks: "要看实物"}); err != nil {
		t.Fatalf("goods of an unsigned order: %v", err)
	}
}
