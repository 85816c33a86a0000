package auth_test

import (
	"context"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/syncproto"
)

func TestRefreshRotates(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	r0 := h.enrolled("li").answer.RefreshToken
	a1, err := h.Refresh(ctx, r0)
	must(t, err)
	again, err := h.Refresh(ctx, r0) // the answer was lost
	must(t, err)
	if again.RefreshToken != a1.RefreshToken || a1.RefreshToken == r0 {
		t.Error("the previous token does not give the same successor")
	}
	a2, err := h.Refresh(ctx, a1.RefreshToken)
	must(t, err)
	a3, err := h.Refresh(ctx, a2.RefreshToken)
	must(t, err)
	_, err = h.Device(ctx, a3.AccessToken)
	must(t, err)
	_, err = h.Refresh(ctx, a1.RefreshToken) // older than the previous one: stolen
	wantCode(t, err, syncproto.TokenInvalid)
	for _, token := range []string{r0, a1.RefreshToken, a2.RefreshToken, a3.RefreshToken} {
		_, err = h.Refresh(ctx, token)
		wantCode(t, err, syncproto.TokenInvalid)
	}
	_, err = h.Device(ctx, a3.AccessToken)
	wantCode(t, err, syncproto.TokenInvalid)
}

func TestFirstUseOfSuccessorEndsThePrevious(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	r0 := h.enrolled("li").answer.RefreshToken
	a1, err := h.Refresh(ctx, r0)
	must(t, err)
	_, err = h.Refresh(ctx, a1.RefreshToken)
	must(t, err)
	_, err = h.Refresh(ctx, r0)
	wantCode(t, err, syncproto.TokenInvalid)
}

func TestFiftyRefreshesAtOnce(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	r0 := h.enrolled("li").answer.RefreshToken
	var wg sync.WaitGroup
	tokens := make([]string, 50)
	for i := range tokens {
		wg.Go(func() {
			a, err := h.Refresh(ctx, r0)
			if err != nil {
				t.Error(err)
			}
			tokens[i] = a.RefreshToken
		})
	}
	wg.Wait()
	for _, token := range tokens {
		if token != tokens[0] {
			t.Fatal("two successors of one token")
		}
	}
	_, err := h.Refresh(ctx, tokens[0])
	must(t, err)
}

func TestRefreshTokensThatDoNotWork(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	good := h.enrolled("li").answer.RefreshToken
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(good, "r1."))
	must(t, err)
	changed := func(at int) string {
		b := append([]byte{}, raw...)
		b[at] ^= 1
		return "r1." + base64.RawURLEncoding.EncodeToString(b)
	}
	for name, token := range map[string]string{
		"empty": "", "noise": "r1.x", "no prefix": strings.TrimPrefix(good, "r1."), "longer": good + "A", "padded": good + "=",
		"another family": changed(0), "another number": changed(19), "another code": changed(51),
		"of another server": other.enrolled("li").answer.RefreshToken, "an access token": h.enrolled("wang").answer.AccessToken,
	} {
		if _, err := h.Refresh(context.Background(), token); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantCode(t, err, syncproto.TokenInvalid)
		}
	}
	_, err = h.Refresh(context.Background(), good) // none of them ended the family
	must(t, err)
}

func TestRefreshGrowsOld(t *testing.T) {
	h := newHouse(t)
	token := h.enrolled("li").answer.RefreshToken
	for range 3 {
		h.clock.add(80 * 24 * time.Hour)
		a, err := h.Refresh(context.Background(), token)
		must(t, err)
		token = a.RefreshToken
	}
	h.clock.add(91 * 24 * time.Hour)
	_, err := h.Refresh(context.Background(), token)
	wantCode(t, err, syncproto.TokenInvalid)
}

// TestRefreshAfterARestore: the server has forgotten how far the family went;
// the phone's own token goes on, and those before it are dead as they were.
func TestRefreshAfterARestore(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	token := h.enrolled("li").answer.RefreshToken
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "r1."))
	must(t, err)
	id := uuid.UUID(raw[:16])
	before, err := h.store.Family(ctx, id)
	must(t, err)
	var older []string
	for range 5 {
		older = append(older, token)
		a, err := h.Refresh(ctx, token)
		must(t, err)
		token = a.RefreshToken
	}
	must(t, h.store.ChangeFamily(ctx, id, func(f *auth.Family) error { f.Gen = before.Gen; return nil }))
	a, err := h.Refresh(ctx, token)
	must(t, err)
	_, err = h.Device(ctx, a.AccessToken)
	must(t, err)
	again, err := h.Refresh(ctx, a.RefreshToken)
	must(t, err)
	if again.RefreshToken == token || a.RefreshToken == token {
		t.Error("the family does not go on from the phone's token")
	}
	_, err = h.Refresh(ctx, older[1])
	wantCode(t, err, syncproto.TokenInvalid)
}
