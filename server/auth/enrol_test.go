package auth_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

func request(key ed25519.PrivateKey, code string, device *uuid.UUID) syncproto.EnrolRequest {
	public := key.Public().(ed25519.PublicKey)
	var id uuid.UUID
	if device != nil {
		id = *device
	}
	return syncproto.EnrolRequest{
		Code: code, Device: device, PublicKey: public, Proof: ed25519.Sign(key, changelog.EnrolMessage(id, public, code)),
		Platform: "android 14", Model: "红米 Note", App: "1.0", Schema: 1,
	}
}

func TestEnrol(t *testing.T) {
	h := newHouse(t)
	p := h.enrolled("li")
	a := p.answer
	if a.Device == uuid.Nil || a.Person != h.people["li"].ID || a.Centre != h.a || a.History != h.history || a.Schema != 1 {
		t.Errorf("answer %+v", a)
	}
	if a.ExpiresIn != 900 || len(a.ServerKeys) != 1 || len(a.ReceiptRanges) != 1 || a.ReceiptRanges[0].From != 1 || a.ReceiptRanges[0].To != auth.LeaseBlock {
		t.Errorf("answer %+v", a)
	}
	dev, err := h.Device(context.Background(), a.AccessToken)
	must(t, err)
	if dev.ID != a.Device || dev.Person != a.Person || dev.Centre != h.a || dev.Role != schema.Installer || dev.Revoked || !dev.Key.Equal(p.key.Public()) {
		t.Errorf("device %+v", dev)
	}
}

func TestCodesThatDoNotWork(t *testing.T) {
	h := newHouse(t)
	expired := h.code("li")
	h.clock.add(10*time.Minute + time.Second)
	used := h.code("li")
	must(t, newPhone(h).enrol(used, nil))
	disabled := h.code("wang")
	must(t, h.SetActive(context.Background(), h.people["boss-a"], h.people["wang"].ID, false))
	for name, code := range map[string]string{
		"unknown": "AAAA-BBBB-CCCC", "used": used, "expired": expired, "of a disabled person": disabled, "empty": "", "huge": strings.Repeat("A", 1000),
	} {
		wantCode(t, newPhone(h).enrol(code, nil), syncproto.CodeInvalid)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestCodeSurvivesTypingAndRefusals(t *testing.T) {
	h := newHouse(t)
	code, p := h.code("li"), newPhone(h)
	ctx := context.Background()
	bad := p.request(code, nil)
	bad.Proof[3] ^= 1
	_, err := h.Enrol(ctx, bad, "x")
	wantCode(t, err, syncproto.SignatureInvalid)
	bad = p.request(code, nil)
	bad.PublicKey = bad.PublicKey[:31]
	_, err = h.Enrol(ctx, bad, "x")
	wantCode(t, err, syncproto.KeyInvalid)
	bad = p.request(code, nil)
	bad.Model = strings.Repeat("x", 121)
	_, err = h.Enrol(ctx, bad, "x")
	wantCode(t, err, syncproto.BodyInvalid)
	other := h.enrolled("wang").answer.Device
	wantCode(t, newPhone(h).enrol(code, &other), syncproto.CodeInvalid) // somebody else's device
	mine := h.enrolled("li").answer.Device
	wantCode(t, newPhone(h).enrol(code, &mine), syncproto.KeyInvalid) // my device, another key
	v4 := uuid.New()
	wantCode(t, newPhone(h).enrol(code, &v4), syncproto.BodyInvalid)
	// after all that the code still works, however it is typed
	must(t, p.enrol(" "+strings.ToLower(strings.ReplaceAll(code, "-", "")), nil))
}

func TestWeakKeysAreRefused(t *testing.T) {
	h := newHouse(t)
	for _, weak := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		key, err := hex.DecodeString(weak)
		must(t, err)
		req := newPhone(h).request(h.code("li"), nil)
		req.PublicKey = key
		_, err = h.Enrol(context.Background(), req, "x")
		wantCode(t, err, syncproto.KeyInvalid)
	}
}

func TestLostEnrolAnswer(t *testing.T) {
	h := newHouse(t)
	code, p := h.code("li"), newPhone(h)
	must(t, p.enrol(code, nil))
	first := p.answer
	h.clock.add(time.Minute)
	must(t, p.enrol(code, nil))
	if p.answer.Device != first.Device || p.answer.ReceiptRanges[0] != first.ReceiptRanges[0] {
		t.Errorf("again %+v, first %+v", p.answer, first)
	}
	for _, token := range []string{first.RefreshToken, p.answer.RefreshToken} {
		_, err := h.Refresh(context.Background(), token)
		must(t, err)
	}
	must(t, p.enrol(code, &first.Device)) // the phone may name what it got
	devices, err := h.DeviceList(context.Background(), h.people["clerk-a"])
	must(t, err)
	if len(devices) != 1 {
		t.Errorf("%d devices, want one", len(devices))
	}
	h.clock.add(10 * time.Minute)
	wantCode(t, p.enrol(code, nil), syncproto.CodeInvalid)
}

func TestEnrolAtOnce(t *testing.T) {
	h := newHouse(t)
	code, p := h.code("li"), newPhone(h)
	got := make(chan syncproto.EnrolAnswer)
	for range 8 {
		go func() {
			ans, err := h.Enrol(context.Background(), p.request(code, nil), "x")
			if err != nil {
				t.Error(err)
			}
			got <- ans
		}()
	}
	first := <-got
	for range 7 {
		if a := <-got; a.Device != first.Device || a.RefreshToken != first.RefreshToken || a.ReceiptRanges[0] != first.ReceiptRanges[0] {
			t.Errorf("%+v and %+v", a, first)
		}
	}
}

func TestDeviceComesBack(t *testing.T) {
	h := newHouse(t)
	p := h.enrolled("li")
	first := p.answer
	must(t, p.enrol(h.code("li"), &first.Device))
	if p.answer.Device != first.Device || p.answer.ReceiptRanges[0].From <= first.ReceiptRanges[0].To {
		t.Errorf("came back as %+v, was %+v", p.answer, first)
	}
	ctx := context.Background()
	_, err := h.Refresh(ctx, first.RefreshToken)
	wantCode(t, err, syncproto.TokenInvalid) // the older family ended
	_, err = h.Device(ctx, first.AccessToken)
	wantCode(t, err, syncproto.TokenInvalid)
	_, err = h.Refresh(ctx, p.answer.RefreshToken)
	must(t, err)
}

func TestForgottenDeviceComesBack(t *testing.T) {
	h := newHouse(t)
	p, forgotten := newPhone(h), newID(t) // a server restored from a backup has no row of it
	must(t, p.enrol(h.code("li"), &forgotten))
	if p.answer.Device != forgotten {
		t.Errorf("came back as %s, was %s", p.answer.Device, forgotten)
	}
}

func TestRevokedDevice(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	code, p := h.code("li"), newPhone(h)
	must(t, p.enrol(code, nil))
	device := p.answer.Device
	wantCode(t, h.RevokeDevice(ctx, h.people["boss-b"], device), syncproto.NotFound)
	wantCode(t, h.RevokeDevice(ctx, h.people["judge"], device), syncproto.NotFound)
	wantCode(t, h.RevokeDevice(ctx, h.people["li"], device), syncproto.Forbidden)
	must(t, h.RevokeDevice(ctx, h.people["boss-a"], device))
	must(t, h.RevokeDevice(ctx, h.people["boss-a"], device))
	dev, err := h.Device(ctx, p.answer.AccessToken)
	must(t, err)
	if !dev.Revoked {
		t.Error("not revoked on the next call")
	}
	_, err = h.Refresh(ctx, p.answer.RefreshToken)
	wantCode(t, err, syncproto.TokenInvalid)
	wantCode(t, p.enrol(code, nil), syncproto.CodeInvalid) // the old code does not lift it
	h.clock.add(time.Second)
	must(t, p.enrol(h.code("li"), &device)) // a new code of the office does
	dev, err = h.Device(ctx, p.answer.AccessToken)
	must(t, err)
	if dev.Revoked {
		t.Error("still revoked")
	}
}

func TestDisabledPersonsPhone(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	p := h.enrolled("li")
	must(t, h.SetActive(ctx, h.people["boss-a"], h.people["li"].ID, false))
	dev, err := h.Device(ctx, p.answer.AccessToken)
	must(t, err)
	if !dev.Revoked {
		t.Error("the phone of a disabled person goes on")
	}
	_, err = h.Refresh(ctx, p.answer.RefreshToken)
	wantCode(t, err, syncproto.TokenInvalid)
}

func TestWhoMayGiveCodes(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		by, person string
		want       syncproto.Code // empty: allowed
	}{
		{"clerk-a", "li", ""}, {"boss-a", "li", ""}, {"admin", "li", ""}, {"admin", "zhao", ""}, {"clerk-a", "boss-a", ""},
		{"clerk-a", "zhao", syncproto.NotFound}, {"boss-a", "zhao", syncproto.NotFound}, {"clerk-b", "li", syncproto.NotFound},
		{"judge", "li", syncproto.NotFound}, {"li", "wang", syncproto.Forbidden}, {"li", "li", syncproto.Forbidden},
		{"admin", "clerk-a", fault.Invalid}, {"boss-a", "clerk-a", fault.Invalid},
	} {
		_, _, err := h.NewCode(context.Background(), h.people[c.by].ID, h.people[c.person].ID)
		if c.want == "" && err != nil || c.want != "" && fault.CodeOf(err) != c.want {
			t.Errorf("%s for %s: got %v, want %q", c.by, c.person, err, c.want)
		}
	}
	_, _, err := h.NewCode(context.Background(), uuid.Nil, h.people["li"].ID)
	wantCode(t, err, syncproto.NotFound)
	must(t, h.SetActive(context.Background(), h.people["boss-a"], h.people["clerk-a"].ID, false))
	_, _, err = h.NewCode(context.Background(), h.people["clerk-a"].ID, h.people["li"].ID)
	wantCode(t, err, syncproto.Forbidden)
	_, _, err = h.OperatorCode(context.Background(), h.people["zhao"].ID)
	must(t, err)
}

func TestGuessingCodesIsSlowedDown(t *testing.T) {
	h := newHouse(t)
	var limited bool
	for range 30 {
		_, err := h.Enrol(context.Background(), newPhone(h).request("AAAA-BBBB-CCCC", nil), "6.6.6.6")
		limited = fault.CodeOf(err) == fault.TooMany
	}
	if !limited {
		t.Error("30 guesses went through")
	}
	must(t, newPhone(h).enrol(h.code("li"), nil)) // somebody elsewhere
	h.clock.add(time.Minute)
	_, err := h.Enrol(context.Background(), newPhone(h).request(h.code("li"), nil), "6.6.6.6")
	must(t, err)
}

func TestReceiptBlocksNeverMeet(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	type number struct {
		prefix string
		n      int64
	}
	seen := map[number]bool{}
	for _, who := range []string{"li", "li", "wang"} {
		p := h.enrolled(who)
		dev, err := h.Device(ctx, p.answer.AccessToken)
		must(t, err)
		ranges := p.answer.ReceiptRanges
		for range 3 {
			more, err := h.LeaseReceipts(ctx, dev)
			must(t, err)
			ranges = append(ranges, more...)
		}
		for _, r := range ranges {
			if r.Prefix != ranges[0].Prefix || len(r.Prefix) > 20 || r.To-r.From != auth.LeaseBlock-1 {
				t.Errorf("range %+v", r)
			}
			for n := r.From; n <= r.To; n++ {
				if seen[number{r.Prefix, n}] {
					t.Fatalf("%s%d is given twice", r.Prefix, n)
				}
				seen[number{r.Prefix, n}] = true
			}
		}
	}
	if len(seen) != 12*auth.LeaseBlock {
		t.Errorf("%d numbers", len(seen))
	}
}

func TestReceiptLeasesAreLimited(t *testing.T) {
	h := newHouse(t)
	dev, err := h.Device(context.Background(), h.enrolled("li").answer.AccessToken)
	must(t, err)
	for range 100 {
		if _, err = h.LeaseReceipts(context.Background(), dev); err != nil {
			break
		}
	}
	wantCode(t, err, fault.TooMany)
}
