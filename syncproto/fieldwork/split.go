package fieldwork

import (
	"fmt"
	"strings"

	"siteledger/syncproto/schema"
)

// Verdicts that wait for more: they name what the photos lack (AD-05, AD-07).
const (
	VerdictRetake = "retake"
	VerdictReturn = "return"
)

// CheckSplit refuses a responsibility that is not split to exactly 100 percent,
// each share from 1 to 100 (AD-06). The error is a [*Violation].
func CheckSplit(percents []int64) error {
	if v := checkSplit(percents); v != nil {
		return v
	}
	return nil
}

func checkSplit(percents []int64) *Violation {
	var sum int64
	for _, p := range percents {
		if p < 1 || p > 100 {
			return &Violation{Code: "split-share",
				ZH: "每一份责任比例要在1到100之间。",
				EN: "Each share of responsibility must be from 1 to 100 percent."}
		}
		sum += p
	}
	if sum != 100 {
		return &Violation{Code: "split-sum",
			ZH: fmt.Sprintf("责任比例合计是 %d%%,必须正好是 100%%。", sum),
			EN: fmt.Sprintf("The shares of responsibility add up to %d %%; they must be exactly 100 %%.", sum)}
	}
	return nil
}

// CheckVerdict refuses an adjudication that is not whole: a fault of somebody
// needs its responsibility rows split to 100 (AD-06); a retake or a return of
// the goods must name what the photos lack and splits nothing yet (AD-05).
func CheckVerdict(adjudication schema.Row, shares []schema.Row) *Violation {
	switch adjudication.Text("verdict") {
	case VerdictRetake, VerdictReturn:
		if strings.TrimSpace(adjudication.Text("lacks")) == "" {
			return &Violation{Code: "verdict-lacks",
				ZH: "判定不了时要写明照片缺什么。",
				EN: "A retake or a return of the goods must say what the photos lack."}
		}
		if len(shares) > 0 {
			return &Violation{Code: "split-early",
				ZH: "还没有判定,不能先划分责任。",
				EN: "There is no verdict yet, so responsibility cannot be split."}
		}
		return nil
	}
	percents := make([]int64, len(shares))
	for i, s := range shares {
		percents[i] = s.Int("percent")
	}
	return checkSplit(percents)
}
