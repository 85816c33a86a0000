package office_test

import (
	"context"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/server/report"
	"siteledger/syncproto"
)

func allTicks() []string {
	return []string{office.TickPhotos, office.TickSignature, office.TickFees, office.TickRating, office.TickRecord, office.TickFile}
}

// ticks gives the ones that the facts do not support, with why.
func doubts(f report.JobFile) map[string]string {
	out := map[string]string{}
	for _, t := range office.Ticks(&f) {
		if !t.OK {
			out[t.Name] = t.Why
		}
	}
	return out
}

func TestTicksFollowTheFacts(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	got := doubts(w.File(s.Job))
	if got[office.TickPhotos] != "register.why.photos|3" || got[office.TickSignature] != "register.why.signature-file" || got[office.TickFile] != "register.why.contact-case" {
		t.Fatalf("before the files are in: %v", got)
	}
	if _, ok := got[office.TickFees]; ok || len(got) != 3 {
		t.Fatalf("fees match the receipt, and the rest is there: %v", got)
	}
	w.ArriveAll(s)
	c := w.Case(s.Job, report.CaseMerged, "phone")
	if _, err := w.Bench.Decide(context.Background(), w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept}); err != nil {
		t.Fatal(err)
	}
	if got := doubts(w.File(s.Job)); len(got) != 0 {
		t.Fatalf("all is in, yet: %v", got)
	}
}

func TestAFeeChangedAfterTheSignatureIsSeen(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	w.ArriveAll(s)
	fee := w.Row("fee_line", s.Fee)
	w.Write(w.Centre, benchtest.Author(w.Clerk), benchtest.Update("fee_line", s.Fee, fee.Rev, map[string]any{"charged": int64(10000), "basis": "below", "reason": "客户投诉"}))
	got := doubts(w.File(s.Job))
	if got[office.TickSignature] != "register.why.superseded" || got[office.TickFees] != "register.why.fees|100.00|120.00" {
		t.Fatalf("%v", got)
	}
}

func TestRegister(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	rev := w.Row("job", s.Job).Rev
	in := office.Registration{Job: s.Job, Base: rev, Ticks: allTicks()}
	mustFault(t, w.Bench.Register(ctx, w.Adjudicator, in), syncproto.Forbidden, "")
	mustFault(t, w.Bench.Register(ctx, w.Stranger, in), syncproto.NotFound, "")
	mustFault(t, w.Bench.Register(ctx, w.Clerk, in), fault.Invalid, "register.reason|register.tick.photos")
	in.Reason = "客户催单"
	mustFault(t, w.Bench.Register(ctx, w.Clerk, in), syncproto.Forbidden, "register.photos-supervisor")

	w.ArriveAll(s)
	in.Base = w.Row("job", s.Job).Rev
	in.Ticks = in.Ticks[1:]
	mustFault(t, w.Bench.Register(ctx, w.Clerk, in), fault.Invalid, "register.unticked|register.tick.photos")
	in.Ticks = allTicks()
	in.Base = rev - 1
	mustFault(t, w.Bench.Register(ctx, w.Clerk, in), fault.Stale, "")
	in.Base = w.Row("job", s.Job).Rev
	if err := w.Bench.Register(ctx, w.Clerk, in); err != nil {
		t.Fatal(err)
	}
	job := w.Row("job", s.Job)
	if job.Text("status") != "registered" || job.UUID("registered_by") != w.Clerk.Person || job.Int("registered_at") != w.Now.UnixMilli() {
		t.Fatalf("%v", job.Cols)
	}
	if n := w.File(s.Job).All("note"); len(n) != 1 || n[0].Text("text") != "客户催单" {
		t.Fatalf("the reason was not kept: %v", n)
	}
	mustFault(t, w.Bench.Register(ctx, w.Clerk, in), fault.Stale, "")
}

func TestCompleteIsTheServersFact(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	if w.Row("job", s.Job).Bool("complete") {
		t.Fatal("complete without a single photo")
	}
	w.ArriveAll(s)
	if !w.Row("job", s.Job).Bool("complete") {
		t.Fatal("every row and file is in and no case blocks, yet not complete")
	}
}
