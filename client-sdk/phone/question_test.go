package phone

import (
	"net/http"
	"regexp"
	"testing"
)

// TestQuestionIsAnswered: a question about something that belongs to no job is
// shown with a place to answer, once, without a network; a message has none.
func TestQuestionIsAnswered(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	question, message := newID(t), newID(t)
	o.asks = []any{
		map[string]any{"id": question[:], "kind": "message", "args": map[string]any{"text": "哪一天的 <小结>?", "case": newID(t).String()}},
		map[string]any{"id": message[:], "kind": "message", "args": map[string]any{"text": "请交回旧件"}},
	}
	k := newPhone(t, o)
	page := k.get("/notices").ok().says("服务中心问您", "哪一天的 &lt;小结&gt;?", "服务中心的话", "请交回旧件")
	forms := regexp.MustCompile(`action="(/notices/\d+/answer)"`).FindAllStringSubmatch(page.body, -1)
	if len(forms) != 1 {
		t.Fatalf("%d places to answer", len(forms))
	}
	path := forms[0][1]
	k.post(path, "text", "  ").is(http.StatusUnprocessableEntity).says("请先写内容")
	k.post(path, "text", "昨天的").ok().says("已答复", "昨天的").silent(path)
	if r := k.one("day_summary"); r.ID != question || r.Text("text") != "昨天的" || r.Text("day") == "" {
		t.Errorf("recorded %s %v", r.ID, r.Cols)
	}
	k.post(path, "text", "前天的").ok() // from a page that was open twice
	if r := k.one("day_summary"); r.Text("text") != "前天的" {
		t.Errorf("recorded %v", r.Cols)
	}
	for _, bad := range []string{"/notices/99/answer", "/notices/x/answer"} {
		k.post(bad, "text", "x").is(http.StatusNotFound)
	}
	k.get(path).ok().says("服务中心问您") // the arrow back
}
