package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"siteledger/syncproto"
)

func TestEnrolAndTokenOverHTTP(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	var raw map[string]any
	code, _, err := w.auth.OperatorCode(context.Background(), w.installer.ID)
	must(t, err)
	res := w.call("POST", syncproto.PathEnrol, "", w.phone(w.installer).enrolBody(code))
	must(t, json.Unmarshal(res.body, &raw))
	for _, key := range []string{"device", "person", "centre", "history", "access_token", "expires_in", "refresh_token", "server_keys", "receipt_ranges", "schema"} {
		if raw[key] == nil {
			t.Errorf("%s is missing in %s", key, res.body)
		}
	}
	w.call("POST", syncproto.PathEnrol, "", p.enrolBody("AAAA-BBBB-CCCC")).want(t, 422, syncproto.CodeInvalid)

	res = w.call("POST", syncproto.PathToken, "", []byte(`{"refresh_token":"`+p.answer.RefreshToken+`"}`))
	var fresh syncproto.TokenAnswer
	must(t, json.Unmarshal(res.body, &fresh))
	if res.status != 200 || fresh.RefreshToken == p.answer.RefreshToken || fresh.ExpiresIn != 900 || len(fresh.ServerKeys) != 1 {
		t.Errorf("%d %+v", res.status, fresh)
	}
	if res := w.call("GET", syncproto.PathPull, fresh.AccessToken, nil); res.status != 200 {
		t.Errorf("pull with the new token: %d", res.status)
	}
	for _, bad := range []string{`{}`, `{"refresh_token":"r1.x"}`, `{"refresh_token":"` + strings.Repeat("x", 5000) + `"}`} {
		w.call("POST", syncproto.PathToken, "", []byte(bad)).want(t, 401, syncproto.TokenInvalid)
	}
	for _, secret := range []string{code, p.answer.AccessToken, p.answer.RefreshToken, fresh.RefreshToken} {
		if strings.Contains(w.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

func TestReceiptsOverHTTP(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	for i := range 25 {
		res := w.call("POST", syncproto.PathReceipts, p.answer.AccessToken, nil)
		if i >= 20 {
			res.want(t, 429, syncproto.Busy)
			if res.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			continue
		}
		var ans syncproto.ReceiptsAnswer
		must(t, json.Unmarshal(res.body, &ans))
		if res.status != 200 || len(ans.ReceiptRanges) != 1 || ans.ReceiptRanges[0].From != int64(i+1)*100+1 {
			t.Errorf("%d %+v", res.status, ans)
		}
	}
}

func TestGuessingCodesOverHTTP(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	var last answer
	for range 25 {
		last = w.call("POST", syncproto.PathEnrol, "", p.enrolBody("AAAA-BBBB-CCCC"))
	}
	last.want(t, 429, syncproto.Busy)
}
