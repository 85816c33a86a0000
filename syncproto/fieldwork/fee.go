package fieldwork

import (
	"fmt"
	"math"
	"strings"

	"siteledger/syncproto/schema"
)

// Bases of a fee line.
const (
	BasisStandard = "standard"
	BasisCard     = "card"
	BasisBelow    = "below"
)

// Fee gives the unit price in fen that applies: the lower of the fee standard
// and of the customer's warranty card (FP-02), and which of them it was. A card
// without a price is nil; a price of 0 on the card means free of charge. Equal
// prices count as the standard's, a negative one on the card as none.
func Fee(standard int64, card *int64) (charged int64, basis string) {
	if card != nil && *card >= 0 && *card < standard {
		return *card, BasisCard
	}
	return standard, BasisStandard
}

// FeeLimit is the most in fen that a fee line may charge: the lower of the two
// prices times the quantity (FP-01, FP-02), and the basis it stands on. It is
// false where the row's numbers make no sense.
func FeeLimit(line schema.Row) (limit int64, basis string, ok bool) {
	standard, quantity := line.Int("standard_price"), line.Int("quantity")
	var card *int64
	if n, has := line.Cols["card_price"].(int64); has {
		if n < 0 {
			return 0, "", false
		}
		card = &n
	}
	if standard < 0 || quantity < 1 {
		return 0, "", false
	}
	unit, basis := Fee(standard, card)
	if unit > 0 && quantity > math.MaxInt64/unit {
		return 0, "", false
	}
	return unit * quantity, basis, true
}

// CheckFeeLine refuses a line that charges more than the lower of the two
// standards, whoever wrote it, and numbers that make no sense (FP-01). nil when
// the line may stand.
func CheckFeeLine(line schema.Row) *Violation {
	limit, _, ok := FeeLimit(line)
	charged := line.Int("charged")
	if !ok || charged < 0 {
		return &Violation{Code: "fee-numbers",
			ZH: "收费的数量至少为1,单价和实收不能小于0。",
			EN: "A fee needs a quantity of at least 1, and no price or charge below 0."}
	}
	if charged > limit {
		return &Violation{Code: "fee-above-standard",
			ZH: fmt.Sprintf("实收 %s 高于允许的 %s:收费标准和保修证取较低的一个,不得多收。", Yuan(charged), Yuan(limit)),
			EN: fmt.Sprintf("The charge of %s is above the allowed %s: the lower of fee standard and warranty card applies, nothing may be added.", Yuan(charged), Yuan(limit))}
	}
	return nil
}

// CheckFeeBasis refuses a new line whose basis does not say the truth: the full
// price names the standard that made it, a lower one is "below" with a reason
// (FP-01, FP-02: the receipt says which standard).
func CheckFeeBasis(line schema.Row) *Violation {
	limit, basis, ok := FeeLimit(line)
	if !ok {
		return nil // CheckFeeLine has said so
	}
	if line.Int("charged") < limit {
		if line.Text("basis") == BasisBelow && strings.TrimSpace(line.Text("reason")) != "" {
			return nil
		}
		return &Violation{Code: "fee-below",
			ZH: "实收低于标准时,依据要选“低于标准”并写明原因。",
			EN: "A charge below the standard needs the basis “below standard” and a reason."}
	}
	if line.Int("charged") == limit && line.Text("basis") != basis {
		return &Violation{Code: "fee-basis",
			ZH: "收费依据与较低的标准不一致,请重新选择依据。",
			EN: "The basis of the fee is not the lower of the two standards; choose it again."}
	}
	return nil
}

// FeeDoubts compares a line with the headquarters' fee standards (FP-01,
// FP-08): an item or version that nobody approved, a price that is not that
// version's, a version that did not hold at that time (Unix milliseconds; 0
// when unknown). It refuses nothing: the line is kept and a person looks at it.
func FeeDoubts(line schema.Row, standards []schema.Row, at int64) []Missing {
	var found *schema.Row
	for i, s := range standards {
		if !s.Deleted && s.Text("item") == line.Text("item") && s.Text("version") == line.Text("standard_version") {
			found = &standards[i]
			break
		}
	}
	if found == nil || !found.Bool("approved") {
		return []Missing{{"fee-unapproved",
			"这个收费项目或版本没有总部批准的标准。",
			"There is no approved standard for this item or version."}}
	}
	var out []Missing
	if found.Int("price") != line.Int("standard_price") || found.Text("currency") != line.Text("currency") {
		out = append(out, Missing{"fee-price",
			fmt.Sprintf("标准价 %s 与该版本的 %s 不一致。", Yuan(line.Int("standard_price")), Yuan(found.Int("price"))),
			fmt.Sprintf("The standard price %s is not that version's %s.", Yuan(line.Int("standard_price")), Yuan(found.Int("price")))})
	}
	until := found.Int("valid_until")
	if at > 0 && (at < found.Int("valid_from") || (until > 0 && at >= until)) {
		out = append(out, Missing{"fee-version",
			"收费时该版本的标准没有生效或已经失效,请核对两个版本。",
			"This version was not in force at that time; compare both versions."})
	}
	return out
}

// Yuan writes fen as yuan with two digits, exactly: 12345 is "123.45".
func Yuan(fen int64) string {
	sign, u := "", uint64(fen)
	if fen < 0 {
		sign, u = "-", uint64(-(fen+1))+1
	}
	return fmt.Sprintf("%s%d.%02d", sign, u/100, u%100)
}
