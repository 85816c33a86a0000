package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

func (h *house) signIn(login string) string {
	h.tb.Helper()
	token, _, err := h.SignIn(context.Background(), login, password, "desk")
	must(h.tb, err)
	return token
}

func TestSignIn(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	token, p, err := h.SignIn(ctx, " Clerk-A ", password, "desk")
	must(t, err)
	if p != h.people["clerk-a"] {
		t.Errorf("signed in as %+v", p)
	}
	who, csrf, err := h.Session(ctx, token)
	must(t, err)
	if who != p || len(csrf) < 32 || strings.Contains(token, csrf) {
		t.Errorf("session of %+v, form token %q", who, csrf)
	}
	_, other, err := h.Session(ctx, h.signIn("clerk-a"))
	must(t, err)
	if other == csrf {
		t.Error("two sessions share a form token")
	}
	must(t, h.SignOut(ctx, token))
	_, _, err = h.Session(ctx, token)
	wantCode(t, err, fault.SignedOut)
}

func TestWrongSignInsAnswerAlike(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	must(t, h.SetActive(ctx, h.people["boss-a"], h.people["li"].ID, false))
	var texts []string
	for i, c := range [][2]string{{"clerk-a", "wrong password"}, {"nobody", password}, {"li", password}, {"", ""}, {"clerk-a", strings.Repeat("x", 10000)}, {"a b", password}, {"' OR 1=1 --", password}} {
		_, _, err := h.SignIn(ctx, c[0], c[1], fmt.Sprint("remote", i))
		wantCode(t, err, fault.SignedOut)
		texts = append(texts, err.Error())
	}
	for _, s := range texts {
		if s != texts[0] {
			t.Errorf("%q and %q", s, texts[0])
		}
	}
}

func TestUnknownNameTakesAsLong(t *testing.T) {
	h := newOfficeAt(t, auth.DefaultCost())
	took := func(login string) time.Duration {
		best := time.Hour
		for i := range 4 {
			start := time.Now()
			_, _, err := h.SignIn(context.Background(), login, "wrong password", fmt.Sprint(login, i))
			wantCode(t, err, fault.SignedOut)
			best = min(best, time.Since(start))
		}
		return best
	}
	known, unknown := took("clerk-a"), took("nobody")
	if unknown*5 < known || known*5 < unknown {
		t.Errorf("known name %s, unknown name %s", known, unknown)
	}
}

func TestGuessingPasswordsIsSlowedDown(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	open := h.signIn("clerk-a")
	tries := 0
	for range 1000 {
		_, _, err := h.SignIn(ctx, "clerk-a", "wrong password", "6.6.6.6")
		if fault.CodeOf(err) != fault.TooMany {
			tries++
		}
	}
	if tries > 5 {
		t.Errorf("%d of 1000 guesses were compared", tries)
	}
	_, _, err := h.SignIn(ctx, "clerk-a", password, "6.6.6.6")
	wantCode(t, err, fault.TooMany)
	_, _, err = h.Session(ctx, open) // the victim works on
	must(t, err)
	h.signIn("clerk-a") // and can sign in at the desk
	h.clock.add(time.Minute)
	_, _, err = h.SignIn(ctx, "clerk-a", password, "6.6.6.6")
	must(t, err)
}

func TestSessionsEnd(t *testing.T) {
	ctx := context.Background()
	t.Run("idle", func(t *testing.T) {
		h := newOffice(t)
		token := h.signIn("clerk-a")
		h.clock.add(12*time.Hour + time.Second)
		_, _, err := h.Session(ctx, token)
		wantCode(t, err, fault.SignedOut)
	})
	t.Run("absolute", func(t *testing.T) {
		h := newOffice(t)
		token := h.signIn("clerk-a")
		for range 16 {
			h.clock.add(10 * time.Hour)
			_, _, err := h.Session(ctx, token)
			must(t, err)
		}
		h.clock.add(10 * time.Hour)
		_, _, err := h.Session(ctx, token)
		wantCode(t, err, fault.SignedOut)
	})
	t.Run("disabled", func(t *testing.T) {
		h := newOffice(t)
		token := h.signIn("clerk-a")
		must(t, h.SetActive(ctx, h.people["boss-a"], h.people["clerk-a"].ID, false))
		_, _, err := h.Session(ctx, token)
		wantCode(t, err, fault.SignedOut)
		must(t, h.SetActive(ctx, h.people["boss-a"], h.people["clerk-a"].ID, true))
		_, _, err = h.Session(ctx, token)
		wantCode(t, err, fault.SignedOut)
		h.signIn("clerk-a")
	})
	t.Run("new password", func(t *testing.T) {
		h := newOffice(t)
		token := h.signIn("clerk-a")
		fresh, err := h.SetPassword(ctx, h.people["boss-a"], h.people["clerk-a"].ID, "")
		must(t, err)
		_, _, err = h.Session(ctx, token)
		wantCode(t, err, fault.SignedOut)
		_, _, err = h.SignIn(ctx, "clerk-a", fresh, "desk")
		must(t, err)
		_, _, err = h.SignIn(ctx, "clerk-a", password, "desk")
		wantCode(t, err, fault.SignedOut)
	})
	h := newHouse(t)
	for _, token := range []string{"", "x", strings.Repeat("A", 43)} {
		_, _, err := h.Session(ctx, token)
		wantCode(t, err, fault.SignedOut)
	}
}

func TestChangePassword(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	clerk := h.people["clerk-a"]
	wantCode(t, h.ChangePassword(ctx, clerk, "r", "wrong password", "a new one 42"), fault.SignedOut)
	for _, bad := range []string{"", "short", "Clerk-A", strings.Repeat("x", 201)} {
		wantCode(t, h.ChangePassword(ctx, clerk, "r", password, bad), fault.Invalid)
	}
	must(t, h.ChangePassword(ctx, clerk, "r", password, "新密码新密码新密码"))
	_, _, err := h.SignIn(ctx, "clerk-a", "新密码新密码新密码", "desk")
	must(t, err)
}

func TestWhoMayManageWhom(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	for _, c := range []struct {
		by, person string
		want       syncproto.Code
	}{
		{"admin", "clerk-b", ""}, {"admin", "boss-a", ""}, {"admin", "judge", ""}, {"boss-a", "clerk-a", ""}, {"boss-a", "li", ""},
		{"boss-a", "clerk-b", syncproto.NotFound}, {"boss-a", "judge", syncproto.NotFound}, {"boss-a", "boss-a", syncproto.Forbidden},
		{"clerk-a", "li", syncproto.Forbidden}, {"judge", "li", syncproto.NotFound}, {"li", "li", syncproto.Forbidden},
	} {
		_, err := h.SetPassword(ctx, h.people[c.by], h.people[c.person].ID, "")
		if c.want == "" && err != nil || c.want != "" && fault.CodeOf(err) != c.want {
			t.Errorf("%s for %s: got %v, want %q", c.by, c.person, err, c.want)
		}
	}
	for _, c := range []struct {
		by     string
		centre uuid.UUID
		role   schema.Role
		ok     bool
	}{
		{"admin", h.b, schema.Supervisor, true}, {"boss-a", h.a, schema.Installer, true}, {"boss-a", h.a, schema.Clerk, true},
		{"boss-a", h.a, schema.Supervisor, false}, {"boss-a", h.a, schema.Admin, false}, {"boss-a", h.b, schema.Clerk, false},
		{"boss-a", h.hq, schema.Clerk, false}, {"clerk-a", h.a, schema.Installer, false}, {"judge", h.hq, schema.Clerk, false},
	} {
		_, _, err := h.CreatePerson(ctx, h.people[c.by], auth.NewPerson{Centre: c.centre, Name: "新人", Role: c.role})
		if c.ok && err != nil || !c.ok && fault.CodeOf(err) != syncproto.Forbidden {
			t.Errorf("%s adds %s: %v", c.by, c.role, err)
		}
	}
}

func TestLoginIsUnique(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	add := func(login string) error {
		_, _, err := h.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: h.b, Name: "同名", Login: login, Role: schema.Clerk})
		return err
	}
	wantCode(t, add("clerk-a"), fault.Invalid)
	wantCode(t, add(" CLERK-A"), fault.Invalid) // also in full-width letters
	wantCode(t, add("two words"), fault.Invalid)
	must(t, add("clerk-c"))
	people, err := h.People(ctx, h.people["boss-b"])
	must(t, err)
	if len(people) != 4 { // boss-b, clerk-b, zhao, clerk-c: a refused one leaves nothing
		t.Errorf("people of b: %+v", people)
	}
}

func TestInterruptedCreationFreesTheName(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	// A role that no schema has: the journal refuses after the name was taken.
	_, _, err := h.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: h.a, Name: "甲", Login: "fresh", Role: "ghost"})
	if err == nil {
		t.Fatal("accepted")
	}
	_, _, err = h.SignIn(ctx, "fresh", password, "desk")
	wantCode(t, err, fault.SignedOut)
	h.clock.add(2 * time.Minute)
	_, made, err := h.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: h.a, Name: "甲", Login: "fresh", Role: schema.Clerk})
	must(t, err)
	_, _, err = h.SignIn(ctx, "fresh", made, "desk")
	must(t, err)
}

func TestLanguage(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	token := h.signIn("clerk-a")
	must(t, h.SetLanguage(ctx, h.people["clerk-a"], "en"))
	p, _, err := h.Session(ctx, token)
	must(t, err)
	if p.Language != "en" {
		t.Errorf("language %q", p.Language)
	}
	must(t, h.SetLanguage(ctx, p, "zh-CN"))
	wantCode(t, h.SetLanguage(ctx, p, "<script>"), fault.Invalid)
}

func TestWhoSeesWhom(t *testing.T) {
	h := newOffice(t)
	for who, want := range map[string]int{"admin": 9, "judge": 2, "boss-a": 4, "clerk-b": 3} {
		people, err := h.People(context.Background(), h.people[who])
		must(t, err)
		if len(people) != want {
			t.Errorf("%s sees %d people, want %d", who, len(people), want)
		}
	}
	_, err := h.People(context.Background(), h.people["li"])
	wantCode(t, err, syncproto.Forbidden)
	h.enrolled("li")
	for who, want := range map[string]int{"admin": 1, "boss-a": 1, "clerk-b": 0} {
		devices, err := h.DeviceList(context.Background(), h.people[who])
		must(t, err)
		if len(devices) != want {
			t.Errorf("%s sees %d devices, want %d", who, len(devices), want)
		}
	}
}

func TestWhatWasDoneIsNoted(t *testing.T) {
	h := newOffice(t)
	ctx := context.Background()
	h.code("li")
	_, err := h.SetPassword(ctx, h.people["boss-a"], h.people["li"].ID, "")
	must(t, err)
	events, err := h.store.EventsOf(ctx, h.people["li"].ID, 10)
	must(t, err)
	var got []string
	for _, e := range events {
		got = append(got, e.Action)
	}
	if strings.Join(got, " ") != "password-set code-issued person-created" || events[0].By != h.people["boss-a"].ID {
		t.Errorf("noted %v", events)
	}
}
