package phone

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// signedAndClosed is a visit that the customer signed and that is over.
func signedAndClosed(t *testing.T) (*phoneKit, string) {
	t.Helper()
	k, base := arrived(t, nil)
	k.shots(base)
	k.post(base+"/record", "fault", "铰链松", "cause", "螺丝松", "measure", "拧紧", "deferred_shown", "1").ok()
	k.post(base+"/selfcheck", "ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1",
		"outcome", "solved", "check_product", "1", "check_site", "1", "check_tools", "1").ok()
	k.post(base+"/handover", "pin", "2580").ok()
	shown := k.get(base + "/handover").ok().hidden("shown")
	k.post(base+"/sign", "strokes", drawn, "outcome", "signed", "shown", shown).ok()
	k.post(base+"/unlock", "pin", "2580").ok()
	k.post(base+"/done").ok().says("上门已结束", "已签")
	return k, base
}

// TestSignedAgainAfterTheVisit: what the office or the technician changes after
// the visit is over asks for a new signature on the phone, on every page that
// shows the old one; a field that nobody was shown does not (SF-07).
func TestSignedAgainAfterTheVisit(t *testing.T) {
	k, base := signedAndClosed(t)
	visit, job := k.one("visit").ID, k.one("job").ID
	k.get("/").ok().silent("要请顾客重新签名")

	k.office.put("note", newID(t), job, map[string]any{"job": job, "kind": "note", "text": "内部备注", "at": morning().UnixMilli()})
	k.office.put("waiver", newID(t), job, map[string]any{"visit": visit, "amount": int64(1000), "currency": "CNY", "reason": "老客户", "status": "pending"})
	k.sync()
	k.get("/").ok().silent("要请顾客重新签名")
	k.get("/finished").ok().silent("签后有改动")

	k.office.put("part_used", newID(t), job, map[string]any{"visit": visit, "name": "缓冲铰链", "quantity": int64(2)})
	k.sync()
	k.get("/").ok().says("要请顾客重新签名", "签后有改动")
	k.get("/finished").ok().says("签后有改动")
	k.get(base).ok().says("签名后内容改过")
	k.get(base + "/done").ok().says("请顾客重新签名")
	k.get(base + "/handover").ok().says("签名后内容改过,请顾客重新看一遍")

	// The same page, the same lock; the visit stays closed.
	k.post(base + "/handover").ok().says("缓冲铰链")
	if at := k.get("/").ok().at; at != base+"/handover" {
		t.Fatalf("locked phone shows %s", at)
	}
	shown := k.get(base + "/handover").ok().hidden("shown")
	k.post(base+"/sign", "strokes", drawn, "outcome", "signed", "shown", shown).ok().says("谢谢")
	k = k.killed()
	k.get("/").ok().says("谢谢")
	k.post(base+"/unlock", "pin", "2580").ok().says("上门已结束")
	k.get("/").ok().silent("要请顾客重新签名")
	k.get("/finished").ok().silent("签后有改动")
	if n := len(k.rows("signature")); n != 2 {
		t.Errorf("%d signatures", n)
	}
	if n := len(k.rows("visit_close")); n != 1 {
		t.Errorf("the visit was closed %d times", n)
	}
	k.get(base + "/handover").is(http.StatusUnprocessableEntity)
}

// TestNotAskedAThirdTime: a customer who was shown the changed page and did not
// sign it has answered (SF-02): nobody asks him again.
func TestNotAskedAThirdTime(t *testing.T) {
	for _, outcome := range []string{"refused", "later", "unable"} {
		k, base := signedAndClosed(t)
		k.office.put("part_used", newID(t), k.one("job").ID, map[string]any{"visit": k.one("visit").ID, "name": "缓冲铰链", "quantity": int64(2)})
		k.sync()
		k.post(base + "/handover").ok()
		k.post(base+"/sign", "outcome", outcome, "shown", k.get(base+"/handover").ok().hidden("shown")).ok()
		k.post(base+"/unlock", "pin", "2580").ok()
		k.now.add(time.Minute)
		k.get("/").ok().silent("要请顾客重新签名")
	}
}

// TestByCode: the code that the customer was told counts like a signature, and
// the phone does not know whether it is the right one.
func TestByCode(t *testing.T) {
	k, base := arrived(t, nil)
	k.shots(base)
	k.post(base+"/record", "fault", "铰链松", "deferred", "1", "deferred_shown", "1").ok()
	k.post(base+"/selfcheck", "ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1",
		"outcome", "solved", "check_product", "1", "check_site", "1", "check_tools", "1").ok()
	k.post(base+"/handover", "pin", "2580").ok().says("待鉴定,后补")
	shown := k.get(base + "/handover").ok().hidden("shown")
	for _, wrong := range []string{"", "123", "12 34", "abcd", "1234567890123"} {
		k.post(base+"/sign", "outcome", "code", "code", wrong, "shown", shown).is(http.StatusUnprocessableEntity).says("确认码")
	}
	k.post(base+"/sign", "outcome", "code", "code", "４８２９１３", "shown", shown).ok().says("谢谢")
	k.post(base+"/unlock", "pin", "2580").ok()
	if s := k.one("signature"); s.Text("outcome") != "code" || s.Text("code") != "482913" || s.Bytes("image") != nil || len(s.Bytes("content_hash")) != 32 {
		t.Fatalf("signature %v", s.Cols)
	}
	k.post(base+"/done").ok().says("上门已结束", "凭确认码")
}

// TestCopyWithoutNetwork: the customer scans the code of his copy at the door
// without a network, also while the phone is locked; the page says what works
// now and what waits for the server.
func TestCopyWithoutNetwork(t *testing.T) {
	k, base := arrived(t, nil)
	k.shots(base)
	k.post(base+"/record", "fault", "铰链松", "cause", "螺丝松", "measure", "拧紧", "deferred_shown", "1").ok()
	k.post(base+"/selfcheck", "ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1",
		"outcome", "solved", "check_product", "1", "check_site", "1", "check_tools", "1").ok()
	k.post(base+"/handover", "pin", "2580").ok()
	k.post(base+"/sign", "strokes", drawn, "outcome", "signed", "shown", k.get(base+"/handover").ok().hidden("shown")).ok().says("扫码带走顾客联")
	page := k.get(base + "/copy").ok().says("显示二维码")
	if page.at != base+"/copy" {
		t.Fatalf("locked phone shows %s", page.at)
	}
	first := k.post(base+"/copy").ok().says("请用您自己的手机扫码", "有网传完之后链接才打得开").silent("现在就能打开")
	k.post(base + "/copy").ok() // a second tap
	link := k.one("copy_link")
	secret, err := k.client.Secret("copy", link.ID)
	if sum := sha256.Sum256(secret[:]); err != nil || !bytes.Equal(sum[:], link.Bytes("token_hash")) {
		t.Fatal("the row is not about the secret of the code", err)
	}
	if strings.Contains(fmt.Sprint(link.Cols), base64.RawURLEncoding.EncodeToString(secret[:])) {
		t.Error("the secret itself is recorded")
	}
	if other, _ := k.client.Secret("copy", newID(t)); other == secret {
		t.Error("two links have one secret")
	}
	k = k.killed()
	if again := k.get(base + "/copy").ok(); again.body != first.body {
		t.Error("after a kill the code is another one")
	}
	k.post(base+"/unlock", "pin", "2580").ok().says("顾客联")
	k.now.add(copyLife + time.Hour)
	k.get(base + "/copy").ok().says("显示二维码").silent("请用您自己的手机扫码")
}
