package office

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// MaxTogether bounds how many cases one answer decides.
const MaxTogether = 200

// SameAs names what cases must share to be decided with one answer: the kind,
// the field and the proposal; of held work the reason too. "" for a case that
// somebody must look at by itself: money, and a receipt number.
func SameAs(c *report.Case) string {
	switch {
	case c.Sides.Rule == schema.Review || c.Kind == report.CaseReceipt || c.Kind == report.CaseFork:
		return ""
	case isHeld(c):
		return strings.Join([]string{c.Kind, c.Sides.Reason}, "|")
	}
	return strings.Join([]string{c.Kind, c.Table, c.Column, c.Sides.Proposal}, "|")
}

// AcceptTogether accepts the proposals of several cases with one reason, each
// in a transaction of its own, and gives how many it accepted. All must be the
// same matter as the first (see [SameAs]); one that is another, that somebody
// has decided meanwhile, or that cannot be accepted as it is, is left alone.
func (b *Bench) AcceptTogether(ctx context.Context, who Who, ids []uuid.UUID, reason string) (int, error) {
	if !who.atCentre() {
		return 0, fault.New(syncproto.Forbidden, "decide.centre-only")
	}
	if len(ids) > MaxTogether {
		return 0, fault.New(fault.Invalid, "decide.many")
	}
	key, done := "", 0
	for _, id := range ids {
		c, err := b.files.Case(ctx, who.Centre, id)
		if err != nil {
			return done, err
		}
		same := SameAs(&c)
		if key == "" {
			key = same
		}
		if same == "" || same != key || !c.Open {
			continue
		}
		_, err = b.Decide(ctx, who, Ruling{Case: id, Verdict: VerdictAccept, Reason: reason})
		switch fault.CodeOf(err) {
		case fault.Stale, fault.Invalid, syncproto.Forbidden:
			continue
		}
		if err != nil {
			return done, fmt.Errorf("accept %d of %d cases: %w", done, len(ids), err)
		}
		done++
	}
	return done, nil
}
