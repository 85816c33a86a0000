package fieldwork

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Check runs the rules of the trade over one transaction: on the phone before
// it is recorded, on the server when it is folded. It gives the first broken
// rule, or nil when the transaction may stand; the error is the reader's alone.
//
// role and actor are who wrote the transaction. r may show the state before the
// transaction or with it: the rows of txn always count instead of what r says
// of them. Without rows to compare with (a parent that is itself held), a fact
// is let through: evidence is never refused for the lack of something else.
//
// Deterministic: no clock, no order of a map, no randomness.
func Check(d *schema.Descriptor, txn []Written, role schema.Role, actor uuid.UUID, r Reader) (*Violation, error) {
	g := guard{d: d, txn: txn, role: role, actor: actor, reader: r}
	if len(txn) > 1 {
		g.last = make(map[key]int, len(txn))
		for i, w := range txn {
			g.last[key{w.Table, w.ID}] = i
		}
	}
	for i, w := range txn {
		if w.Op == opDelete {
			continue
		}
		v, err := g.check(i, w)
		if err != nil {
			return nil, fmt.Errorf("check %s %s: %w", w.Table, w.ID, err)
		}
		if v != nil {
			v.Index = i
			return v, nil
		}
	}
	return nil, nil
}

type key struct {
	table string
	id    uuid.UUID
}

type guard struct {
	d      *schema.Descriptor
	txn    []Written
	role   schema.Role
	actor  uuid.UUID
	reader Reader
	last   map[key]int // last write of each row; nil where there is one write
}

// final finds the last write of a row.
func (g *guard) final(k key) (int, bool) {
	if g.last != nil {
		i, ok := g.last[k]
		return i, ok
	}
	return 0, len(g.txn) == 1 && k == key{g.txn[0].Table, g.txn[0].ID}
}

func (g *guard) check(i int, w Written) (*Violation, error) {
	if v := g.initialState(w); v != nil {
		return v, nil
	}
	switch w.Table {
	case "fee_line":
		return g.feeLine(w), nil
	case "defect":
		return g.defect(w)
	case "photo":
		return g.photo(w)
	case "adjudication":
		return g.adjudication(w)
	case "responsibility":
		return g.responsibility(w), nil
	case "signature":
		return g.signature(i, w)
	case "leftover_signature":
		return staffSignature(w.After), nil
	case "assignment":
		return g.assignment(w), nil
	case "receipt":
		return g.receipt(i, w)
	case "waiver":
		return g.waiver(w), nil
	}
	return nil, nil
}

// initialState refuses a new row in a state that its writer could not have
// reached step by step: nobody inserts a defect as judged.
func (g *guard) initialState(w Written) *Violation {
	t := g.d.Table(w.Table)
	if w.Op != opInsert || t == nil || g.role == schema.Server {
		return nil
	}
	for _, c := range t.Columns {
		state, _ := w.After.Cols[c.Name].(string)
		if len(c.Transitions) == 0 || len(c.Values) == 0 || state == "" || reachable(c, state, g.role) {
			continue
		}
		return &Violation{Code: "initial-state",
			ZH: fmt.Sprintf("“%s”不能一开始就是“%s”。", c.Label.ZH, c.ValueLabel(state, "zh-CN")),
			EN: fmt.Sprintf("%s cannot start as “%s”.", c.Label.EN, c.ValueLabel(state, "en"))}
	}
	return nil
}

// reachable walks the transitions that a role may take from the first value.
func reachable(c *schema.Column, state string, role schema.Role) bool {
	seen := []string{c.Values[0]}
	for i := 0; i < len(seen); i++ {
		if seen[i] == state {
			return true
		}
		for _, t := range c.Transitions {
			if t.From == seen[i] && slices.Contains(t.Writers, role) && !slices.Contains(seen, t.To) {
				seen = append(seen, t.To)
			}
		}
	}
	return false
}

func (g *guard) feeLine(w Written) *Violation {
	if v := CheckFeeLine(w.After); v != nil && names(w, "charged", "standard_price", "card_price", "quantity") {
		return v
	}
	if w.Op == opInsert {
		return CheckFeeBasis(w.After)
	}
	return nil
}

// defect refuses a submission without its evidence (DE-01 to DE-07). The row
// and its photos count as they are at the end of the transaction.
func (g *guard) defect(w Written) (*Violation, error) {
	if !names(w, "status") || w.After.Text("status") != "submitted" {
		return nil, nil
	}
	at, _ := g.final(key{w.Table, w.ID})
	defect := g.txn[at].After
	photos, err := g.children("photo", "job", defect.UUID("job"), len(g.txn))
	if err != nil {
		return nil, err
	}
	missing := MissingEvidence(defect, photos)
	if len(missing) == 0 {
		return nil, nil
	}
	zh, en := make([]string, len(missing)), make([]string, len(missing))
	for i, m := range missing {
		zh[i], en[i] = m.ZH, m.EN
	}
	return &Violation{Code: "evidence-missing", ZH: strings.Join(zh, ""), EN: strings.Join(en, " ")}, nil
}

// photo refuses a picture that names a defect of another job.
func (g *guard) photo(w Written) (*Violation, error) {
	id := w.After.UUID("defect")
	if id == uuid.Nil {
		return nil, nil
	}
	defect, ok, err := g.row("defect", id)
	if err != nil || !ok || defect.UUID("job") == w.After.UUID("job") {
		return nil, err
	}
	return &Violation{Code: "photo-job",
		ZH: "这张照片的缺陷属于另一张工单。",
		EN: "The defect of this photo belongs to another job."}, nil
}

func (g *guard) adjudication(w Written) (*Violation, error) {
	if w.Op != opInsert {
		return nil, nil
	}
	var shares []schema.Row
	for _, s := range g.txn {
		if s.Table == "responsibility" && s.Op == opInsert && s.After.UUID("adjudication") == w.ID {
			shares = append(shares, s.After)
		}
	}
	return CheckVerdict(w.After, shares), nil
}

// responsibility refuses a share that comes after its verdict: the split was
// whole then and stays so.
func (g *guard) responsibility(w Written) *Violation {
	if i, ok := g.final(key{"adjudication", w.After.UUID("adjudication")}); ok && g.txn[i].Op == opInsert {
		return nil
	}
	return &Violation{Code: "split-late",
		ZH: "责任划分要和判定一起提交,之后不能再加。",
		EN: "Responsibility is split together with the verdict; nothing can be added later."}
}

// signature refuses what is no signature, and the customer's page before the
// self-check (OR-05).
func (g *guard) signature(i int, w Written) (*Violation, error) {
	s := w.After
	if v := customerSignature(s); v != nil {
		return v, nil
	}
	if s.Text("signer") != SignerCustomer {
		return nil, nil
	}
	events, err := g.children("visit_event", "visit", s.UUID("visit"), i)
	if err != nil {
		return nil, err
	}
	return MaySign(events, s.Text("outcome")), nil
}

// assignment lets an installer put only himself on a job, and change nobody
// else's place on it.
func (g *guard) assignment(w Written) *Violation {
	if g.role != schema.Installer {
		return nil
	}
	if w.After.UUID("person") == g.actor && (w.Op == opInsert || !names(w, "person")) {
		return nil
	}
	return &Violation{Code: "assignment-other",
		ZH: "师傅只能给自己派工,给别人派工请联系服务中心。",
		EN: "A technician may only assign himself; the service centre assigns others."}
}

// receipt refuses a negative amount without the receipt that it reverses, a
// reversal that is not that receipt's amount, and a second reversal (FP-03:
// money is corrected by reversal only, once).
func (g *guard) receipt(i int, w Written) (*Violation, error) {
	id, amount := w.After.UUID("void_of"), w.After.Int("amount")
	if id == uuid.Nil {
		if amount >= 0 {
			return nil, nil
		}
		return &Violation{Code: "receipt-negative",
			ZH: "收据金额不能小于0;要冲销请指明原收据。",
			EN: "A receipt cannot be below 0; to reverse one, name it."}, nil
	}
	original, ok, err := g.row("receipt", id)
	if err != nil {
		return nil, err
	}
	others, err := g.children("receipt", "visit", w.After.UUID("visit"), i)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(others, func(o schema.Row) bool { return o.UUID("void_of") == id && o.ID != w.ID }) {
		return &Violation{Code: "receipt-reversed",
			ZH: "这张收据已经冲销过了。",
			EN: "This receipt is already reversed."}, nil
	}
	if amount < 0 && (!ok || (original.Int("amount") == -amount && original.Text("currency") == w.After.Text("currency"))) {
		return nil, nil
	}
	return &Violation{Code: "receipt-reversal",
		ZH: "冲销收据的金额必须正好是原收据金额的负数,币种相同。",
		EN: "A reversal must be exactly the negative amount of its receipt, in the same currency."}, nil
}

// waiver lets a request start only as pending (FP-04): nobody waives on the
// spot.
func (g *guard) waiver(w Written) *Violation {
	if w.Op != opInsert || w.After.Text("status") == "pending" {
		return nil
	}
	return &Violation{Code: "waiver-pending",
		ZH: "减免只能先申请,由服务中心批示;批示之前应收金额不变。",
		EN: "A reduction is first a request; the amount stays due until the service centre decides."}
}
