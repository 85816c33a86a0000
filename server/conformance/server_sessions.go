package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"

	"siteledger/syncproto"
)

// problems checks the forms of section 8 and 10.
func (s *site) problems() []check {
	m := func(name string, do func(context.Context) error) check { return check{"10", "", name, do} }
	return []check{
		m("calls without a token, or with noise: 401 token-invalid with WWW-Authenticate", func(ctx context.Context) error {
			for _, c := range []struct{ method, path string }{
				{"GET", syncproto.PathPull}, {"POST", syncproto.PathPush}, {"POST", syncproto.PathRepair}, {"POST", syncproto.PathReceipts}, {"POST", syncproto.PathBlobPlan}, {"POST", syncproto.PathBlobCommit},
				{"GET", syncproto.PathBlobs + shaText(nil)},
			} {
				for _, token := range []string{"", "x.y.z", s.main.answer.AccessToken + "x", s.main.answer.RefreshToken} {
					a, err := s.call(ctx, c.method, c.path, token, nil)
					if err != nil {
						return err
					}
					if err := a.refused(syncproto.TokenInvalid); err != nil {
						return fmt.Errorf("%s: %w", c.path, err)
					}
				}
			}
			return nil
		}),
		m("an unknown path: 404 not-found as a problem", func(ctx context.Context) error {
			a, err := s.call(ctx, http.MethodGet, "/v1/nothing", s.main.answer.AccessToken, nil)
			if err != nil {
				return err
			}
			return a.refused(syncproto.NotFound)
		}),
		m("JSON that is none: 400 body-invalid; unknown members are ignored; zstd is taken", func(ctx context.Context) error {
			a, err := s.call(ctx, http.MethodPost, syncproto.PathBlobPlan, s.main.answer.AccessToken, []byte(`{"blobs":`))
			if err != nil {
				return err
			}
			if err := a.refused(syncproto.BodyInvalid); err != nil {
				return err
			}
			for _, c := range []struct {
				body    []byte
				headers []string
			}{{[]byte(`{"blobs":[],"later":{"x":[1]}}`), nil}, {s.zstd.EncodeAll([]byte(`{"blobs":[]}`), nil), []string{"Content-Encoding", "zstd"}}} {
				if a, err = s.call(ctx, http.MethodPost, syncproto.PathBlobPlan, s.main.answer.AccessToken, c.body, c.headers...); err != nil {
					return err
				}
				if a.status != 200 {
					return differs(200, a)
				}
			}
			return nil
		}),
	}
}

func (d *device) refresh(ctx context.Context, token string) (syncproto.TokenAnswer, answer, error) {
	var got syncproto.TokenAnswer
	a, err := d.post(ctx, syncproto.PathToken, "", syncproto.TokenRequest{RefreshToken: token}, &got)
	if err == nil && a.status == 200 {
		d.learn(got.ServerKeys)
	}
	return got, a, err
}

// sessions come last: they end the phones' sessions.
func (s *site) sessions() []check {
	m := func(promise, name string, do func(context.Context) error) check { return check{"8", promise, name, do} }
	return []check{
		m("", "refresh: a new access token; the same refresh token again gives the same successor (lost answer)", s.rotate),
		m("", "a refresh token older than the previous one ends the whole family (theft)", s.theft),
		m("", "noise as refresh token: 401 token-invalid", func(ctx context.Context) error {
			for _, token := range []string{"", "r1.x", strings.Repeat("r", 9000)} {
				_, a, err := s.main.refresh(ctx, token)
				if err != nil {
					return err
				}
				if err := a.refused(syncproto.TokenInvalid); err != nil {
					return err
				}
			}
			return nil
		}),
		m("", "coming back as a device with another key: 422 key-invalid, and the code is not used up", func(ctx context.Context) error {
			stranger, err := newDevice(s.caller)
			if err != nil {
				return err
			}
			a, err := stranger.enrol(ctx, s.codes[2], &s.main.answer.Device)
			if err != nil {
				return err
			}
			return a.refused(syncproto.KeyInvalid)
		}),
		m("P11", "coming back with the device's own key: the same device, the log goes on, older sessions end", s.comeBack),
		m("", "a revoked device: its calls 401, push 403 device-revoked", s.revoked),
	}
}

func (s *site) rotate(ctx context.Context) error {
	d := s.second
	one, a, err := d.refresh(ctx, d.answer.RefreshToken)
	if err != nil {
		return err
	}
	if a.status != 200 || one.RefreshToken == "" || one.RefreshToken == d.answer.RefreshToken || one.ExpiresIn < 1 || one.ExpiresIn > 900 {
		return differs("200 with a successor", a)
	}
	two, a, err := d.refresh(ctx, d.answer.RefreshToken)
	if err != nil {
		return err
	}
	if a.status != 200 || two.RefreshToken != one.RefreshToken {
		return differs("200 with the same successor", a)
	}
	d.answer.AccessToken = one.AccessToken
	if _, a, err = d.pull(ctx, "", 1); err == nil && a.status != 200 {
		err = differs("200 with the new access token", a)
	}
	return err
}

func (s *site) theft(ctx context.Context) error {
	d := s.second
	old := d.answer.RefreshToken
	one, a, err := d.refresh(ctx, old)
	if err != nil || a.status != 200 {
		return differs(200, fmt.Sprint(a, err))
	}
	two, a, err := d.refresh(ctx, one.RefreshToken)
	if err != nil || a.status != 200 {
		return differs(200, fmt.Sprint(a, err))
	}
	if _, a, err = d.refresh(ctx, old); err != nil {
		return err
	}
	if err := a.refused(syncproto.TokenInvalid); err != nil {
		return err
	}
	if _, a, err = d.refresh(ctx, two.RefreshToken); err != nil {
		return err
	}
	if err := a.refused(syncproto.TokenInvalid); err != nil {
		return err
	}
	d.answer.AccessToken = two.AccessToken
	if _, a, err = d.pull(ctx, "", 1); err != nil {
		return err
	}
	return a.refused(syncproto.TokenInvalid)
}

func (s *site) comeBack(ctx context.Context) error {
	d := s.main
	before := d.answer
	a, err := d.enrol(ctx, s.codes[2], &before.Device)
	if err != nil {
		return err
	}
	if a.status != 201 || d.answer.Device != before.Device || d.answer.Person != before.Person {
		return differs("201, the same device", a)
	}
	if a, err = s.call(ctx, http.MethodGet, syncproto.PathPull, before.AccessToken, nil); err != nil {
		return err
	}
	if err := a.refused(syncproto.TokenInvalid); err != nil {
		return err
	}
	_, err = d.write(ctx, day("回来了"))
	return err
}

func (s *site) revoked(ctx context.Context) error {
	if s.revoke == "" {
		return absent("needs -revoke, a command that revokes a device")
	}
	d := s.main
	words := strings.Fields(strings.ReplaceAll(s.revoke, "{device}", d.answer.Device.String()))
	if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", words, err, out)
	}
	_, a, err := d.pull(ctx, "", 1)
	if err != nil {
		return err
	}
	if err := a.refused(syncproto.TokenInvalid); err != nil {
		return err
	}
	c, err := d.singles(d.seq+1, day("注销之后"))
	if err != nil {
		return err
	}
	if _, a, err = d.push(ctx, d.batch(d.seq+1, d.head, c...)); err != nil {
		return err
	}
	if err := a.refused(syncproto.DeviceRevoked); err != nil {
		return err
	}
	_, a, err = d.refresh(ctx, d.answer.RefreshToken)
	if err != nil {
		return err
	}
	return a.refused(syncproto.TokenInvalid)
}
