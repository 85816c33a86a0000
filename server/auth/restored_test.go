package auth_test

import (
	"context"
	"testing"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// TestRestoredServerLeasesOtherNumbers: a server that was restored has forgotten
// what it leased after the backup. In its new history it gives the same device
// numbers under another prefix, so that none is given twice (FP-03).
func TestRestoredServerLeasesOtherNumbers(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	p := h.enrolled("li")
	dev, err := h.Device(ctx, p.answer.AccessToken)
	must(t, err)
	cfg := h.config
	cfg.History = newID(t)
	restored, err := auth.New(cfg)
	must(t, err)
	ranges, err := restored.LeaseReceipts(ctx, dev)
	must(t, err)
	for _, r := range ranges {
		if r.Prefix == p.answer.ReceiptRanges[0].Prefix {
			t.Errorf("prefix %s in both histories", r.Prefix)
		}
	}
}

// TestOldCodeAfterANewEnrolment: the code of a lost answer gives nothing more once
// the phone has come back with a later one.
func TestOldCodeAfterANewEnrolment(t *testing.T) {
	h := newHouse(t)
	p, first := newPhone(h), h.code("li")
	must(t, p.enrol(first, nil))
	device := p.answer.Device
	must(t, p.enrol(h.code("li"), &device))
	newer := p.answer
	wantCode(t, p.enrol(first, nil), syncproto.CodeInvalid)
	if _, err := h.Device(context.Background(), newer.AccessToken); err != nil {
		t.Errorf("the later session ended: %v", err)
	}
}

// TestDisabledBeforeTheSessionsEnd: a server that died between the entry that
// disables a person and the end of the sessions lets none of them in.
func TestDisabledBeforeTheSessionsEnd(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	token, clerk := h.signIn("clerk-a"), h.people["clerk-a"]
	_, err := h.config.Journal.Write(ctx, clerk.Centre, ledger.Author{Role: schema.Server}, []ledger.Edit{{
		Table: "person", Row: clerk.ID, Op: changelog.Update, Cols: map[string]any{"active": false}, Was: map[string]any{"active": true}}})
	must(t, err)
	_, _, err = h.Session(ctx, token)
	wantCode(t, err, fault.SignedOut)
}
