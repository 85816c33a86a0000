package auth_test

import (
	"context"
	"testing"
	"time"

	"siteledger/server/auth"
	"siteledger/server/auth/authtest"
	"siteledger/syncproto"
)

func TestBadTokens(t *testing.T) {
	h := newHouse(t)
	p := h.enrolled("li")
	forger := authtest.NewForger(h.keys, p.answer.AccessToken, h.clock.now())
	table := forger.BadTokens(t)
	if len(table) < 30 {
		t.Fatalf("%d bad tokens, want at least 30", len(table))
	}
	for _, bad := range table {
		_, err := h.Device(context.Background(), bad.Token)
		want := syncproto.TokenInvalid
		if bad.Expired {
			want = syncproto.TokenExpired
		}
		if err == nil {
			t.Errorf("%s: accepted", bad.Name)
			continue
		}
		wantCode(t, err, want)
		if t.Failed() {
			t.Fatal(bad.Name)
		}
	}
	if _, err := h.Device(context.Background(), forger.Good(t)); err != nil {
		t.Errorf("the table's own good token is refused: %v", err)
	}
}

func TestAccessTokenExpires(t *testing.T) {
	h := newHouse(t)
	token := h.enrolled("li").answer.AccessToken
	h.clock.add(15*time.Minute - time.Second)
	g, err := h.Grant(context.Background(), token)
	must(t, err)
	if left := g.Expires.Sub(h.clock.now()); left != time.Second {
		t.Errorf("%s left, want a second", left)
	}
	h.clock.add(time.Second)
	_, err = h.Grant(context.Background(), token)
	wantCode(t, err, syncproto.TokenExpired)
}

func TestAccessLifeHasABound(t *testing.T) {
	h := newHouse(t)
	cfg := h.config
	cfg.AccessLife = time.Hour
	if _, err := auth.New(cfg); err == nil {
		t.Error("an hour is accepted")
	}
}
