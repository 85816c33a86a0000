package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// phrases says what an installer might write: words that recur, numbers that
// don't, so that it compresses as real notes do.
type phrases struct{ r *rand.Rand }

func newPhrases(seed uint64) *phrases { return &phrases{rand.New(rand.NewPCG(seed, 20))} }

func (p *phrases) of(words ...string) string { return words[p.r.IntN(len(words))] }

// sentence is a note of about 140 bytes.
func (p *phrases) sentence() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s%d×%d,", p.of("量了", "复核了", "重测了", "核对了"), p.of("台面", "吊柜", "衣柜门板", "浴室柜", "踢脚板", "灶台挡水"), 400+p.r.IntN(2400), 300+p.r.IntN(900))
	fmt.Fprintf(&b, "%s最多差 %d 毫米。", p.of("左侧墙不直,", "地面不平,", "右侧见光,", "顶面有管道,"), 1+p.r.IntN(30))
	fmt.Fprintf(&b, "%s%d %s", p.of("顾客要求 ", "店里答应 ", "约好 ", "物业只许 "), 1+p.r.IntN(28), p.of("号上午再来。", "号下午再来。", "号之前补件。", "号以后进场。"))
	return b.String()
}
