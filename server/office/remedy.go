package office

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// States of a remedy. Each kind has its own way through them, see [RemedyPath].
const (
	RemedyProposed   = "proposed"
	RemedyApproved   = "approved"
	RemedyRefused    = "refused"
	RemedyRegistered = "registered"
	RemedyGoodsIn    = "goods_in"
	RemedyFinance    = "finance"
	RemedyDone       = "done"
)

// RemedyPath is the way of a remedy of a kind, in order (AD-08): whatever costs
// something needs the leader's word first; a gift is registered, goods that
// come back are checked in by their keeper, and finance comes last.
func RemedyPath(kind string) []string {
	switch kind {
	case "negotiate":
		return []string{RemedyProposed, RemedyDone}
	case "gift":
		return []string{RemedyProposed, RemedyApproved, RemedyRegistered, RemedyDone}
	case "discount":
		return []string{RemedyProposed, RemedyApproved, RemedyFinance, RemedyDone}
	case "replace":
		return []string{RemedyProposed, RemedyApproved, RemedyGoodsIn, RemedyDone}
	case "return":
		return []string{RemedyProposed, RemedyApproved, RemedyGoodsIn, RemedyFinance, RemedyDone}
	}
	return nil
}

// RemedyNext is the one step that a remedy may take now; "" for none.
func RemedyNext(kind, status string) string {
	path := RemedyPath(kind)
	if i := slices.Index(path, status); i >= 0 && i+1 < len(path) {
		return path[i+1]
	}
	return ""
}

// remedyKind is the kind of remedy that a verdict's words open; "" for none.
func remedyKind(remedy string) string {
	switch remedy {
	case "remake", "repair", "replace":
		return "replace"
	case "discount", "gift", "negotiate":
		return remedy
	case "refund":
		return "return"
	}
	return ""
}

// openRemedy is the remedy that a final verdict proposes, at the beginning of
// its way; nothing where nothing is to be done.
func (b *Bench) openRemedy(adjudication uuid.UUID, job uuid.UUID, in Judgement) []ledger.Edit {
	kind := remedyKind(in.Remedy)
	if kind == "" {
		return nil
	}
	cols := map[string]any{"job": job[:], "defect": in.Defect[:], "adjudication": adjudication[:], "kind": kind, "status": RemedyProposed, "at": b.now().UnixMilli()}
	set(cols, "proposal", strings.TrimSpace(in.TextStore))
	return []ledger.Edit{{Table: "remedy", Row: b.newID(), Op: changelog.Insert, Cols: cols}}
}

// RemedyStep moves a remedy on.
type RemedyStep struct {
	Remedy     uuid.UUID
	Base       uint64 // rev that the screen showed; 0 does not look
	To         string
	Words      string // of the leader, where he approves or refuses
	RegisterNo string // of a gift
	Amount     int64  // fen: what finance pays or lets off; 0 for none
}

// MoveRemedy takes the next step of a remedy's way and no other: who skips the
// leader, the goods or the customer's answer is refused. Approving and refusing
// is the supervisor's, the rest the desk's. From the leader's word on nothing
// is carried out before the customer has agreed, or was not reached three times
// (AD-09).
func (b *Bench) MoveRemedy(ctx context.Context, who Who, centre uuid.UUID, in RemedyStep) error {
	row, err := b.remedy(ctx, who, centre, in.Remedy, in.Base)
	if err != nil {
		return err
	}
	if err := b.checkStep(ctx, who, centre, row, in); err != nil {
		return err
	}
	now := b.now().UnixMilli()
	cols := map[string]any{"status": in.To}
	switch in.To {
	case RemedyApproved, RemedyRefused:
		cols["decided_by"], cols["decided_at"] = who.Person[:], now
		set(cols, "instruction", strings.TrimSpace(in.Words))
	case RemedyRegistered:
		cols["register_no"] = strings.TrimSpace(in.RegisterNo)
	case RemedyGoodsIn:
		cols["goods_at"] = now
	case RemedyFinance:
		cols["finance_at"] = now
		if in.Amount > 0 {
			cols["amount"], cols["currency"] = in.Amount, "CNY"
		}
	}
	return b.changeRemedy(ctx, who, centre, row, cols)
}

func (b *Bench) checkStep(ctx context.Context, who Who, centre uuid.UUID, row schema.Row, in RemedyStep) error {
	if in.To == RemedyApproved || in.To == RemedyRefused {
		if who.Role != schema.Supervisor {
			return fault.New(syncproto.Forbidden, "remedy.supervisor")
		}
	}
	from := row.Text("status")
	if next := RemedyNext(row.Text("kind"), from); in.To != next && !(in.To == RemedyRefused && from == RemedyProposed) || in.To == "" {
		return fault.New(fault.Invalid, "remedy.path")
	}
	if in.To != RemedyApproved && in.To != RemedyRefused {
		switch answer := row.Text("customer_answer"); {
		case answer == "agreed", answer == "unreachable" && row.Int("attempts") >= 3:
		default:
			return fault.New(fault.Invalid, "remedy.customer")
		}
	}
	no := strings.TrimSpace(in.RegisterNo)
	switch {
	case in.To == RemedyRegistered && (no == "" || len(no) > 60):
		return fault.New(fault.Invalid, "remedy.register")
	case len(in.Words) > 1000 || in.Amount < 0 || in.Amount > 100000000:
		return fault.New(fault.Invalid, "adjudicate.long")
	}
	return b.stillStands(ctx, centre, row)
}

// stillStands refuses a remedy whose verdict was overtaken: by an appeal that
// is open, or by a later verdict.
func (b *Bench) stillStands(ctx context.Context, centre uuid.UUID, row schema.Row) error {
	f, d, err := b.defectFile(ctx, centre, row.UUID("defect"))
	if err != nil {
		return err
	}
	finals := FinalVerdicts(&f, d.ID)
	if d.Text("status") != "judged" || len(finals) == 0 || finals[len(finals)-1].ID != row.UUID("adjudication") {
		return fault.New(fault.Invalid, "remedy.overtaken")
	}
	return nil
}

// RemedyAnswer is what the customer said to the proposal (AD-09).
type RemedyAnswer struct {
	Remedy   uuid.UUID
	Base     uint64
	Answer   string // agreed, disagreed, unreachable
	Attempts int64  // calls made, for who was not reached
	Words    string
}

// AnswerRemedy records the customer's answer. Who was not reached was called
// three times at least.
func (b *Bench) AnswerRemedy(ctx context.Context, who Who, centre uuid.UUID, in RemedyAnswer) error {
	row, err := b.remedy(ctx, who, centre, in.Remedy, in.Base)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(b.schema.Table("remedy").Column("customer_answer").Values, in.Answer):
		return fault.New(fault.Invalid, "remedy.answer")
	case in.Answer == "unreachable" && (in.Attempts < 3 || in.Attempts > 99):
		return fault.New(fault.Invalid, "remedy.attempts")
	case len(in.Words) > 1000:
		return fault.New(fault.Invalid, "adjudicate.long")
	}
	cols := map[string]any{"customer_answer": in.Answer}
	set(cols, "customer_words", strings.TrimSpace(in.Words))
	if in.Attempts > 0 {
		cols["attempts"] = min(in.Attempts, 99)
	}
	return b.changeRemedy(ctx, who, centre, row, cols)
}

// remedy reads one for the centre's own desk.
func (b *Bench) remedy(ctx context.Context, who Who, centre, id uuid.UUID, base uint64) (schema.Row, error) {
	if !who.atCentre() || who.Centre != centre {
		return schema.Row{}, fault.New(syncproto.Forbidden, "remedy.desk")
	}
	row, ok, err := b.files.StateRow(ctx, centre, "remedy", id)
	if err != nil {
		return row, err
	}
	if !ok {
		return row, fault.New(syncproto.NotFound, "error.not-found")
	}
	if base != 0 && row.Rev != base {
		return row, fault.New(fault.Stale, "adjudicate.stale")
	}
	return row, nil
}

func (b *Bench) changeRemedy(ctx context.Context, who Who, centre uuid.UUID, row schema.Row, cols map[string]any) error {
	was := make(map[string]any, len(cols))
	for k := range cols {
		was[k] = row.Cols[k]
	}
	edit := ledger.Edit{Table: "remedy", Row: row.ID, Op: changelog.Update, Base: row.Rev, Cols: cols, Was: was}
	if _, err := b.journal.Write(ctx, centre, who.author(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("move remedy %s: %w", row.ID, err)
	}
	return nil
}
