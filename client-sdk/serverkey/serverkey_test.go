package serverkey_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"siteledger/client-sdk/serverkey"
)

func part(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func token(key ed25519.PrivateKey, header, payload string) string {
	msg := part(header) + "." + part(payload)
	return msg + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(msg)))
}

func TestOpen(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := serverkey.Keys{"a": public}
	good := token(key, `{"alg":"EdDSA","kid":"a"}`, `{"n":1,"unknown":true}`)
	var out struct{ N int }
	if err := keys.Open(good, &out); err != nil || out.N != 1 {
		t.Fatalf("%v %v", out, err)
	}
	parts := strings.Split(good, ".")
	for name, tc := range map[string]struct {
		token string
		want  error
	}{
		"none":          {part(`{"alg":"none","kid":"a"}`) + "." + parts[1] + ".", serverkey.ErrForged},
		"HS256":         {token(key, `{"alg":"HS256","kid":"a"}`, `{"n":1}`), serverkey.ErrForged},
		"no kid":        {token(key, `{"alg":"EdDSA"}`, `{"n":1}`), serverkey.ErrUnknownKey},
		"unknown kid":   {token(other, `{"alg":"EdDSA","kid":"b"}`, `{"n":1}`), serverkey.ErrUnknownKey},
		"other key":     {token(other, `{"alg":"EdDSA","kid":"a"}`, `{"n":1}`), serverkey.ErrForged},
		"embedded key":  {token(other, `{"alg":"EdDSA","kid":"a","jwk":{"x":"y"}}`, `{"n":1}`), serverkey.ErrForged},
		"crit":          {token(key, `{"alg":"EdDSA","kid":"a","crit":["b64"]}`, `{"n":1}`), serverkey.ErrForged},
		"other payload": {parts[0] + "." + part(`{"n":2}`) + "." + parts[2], serverkey.ErrForged},
		"two parts":     {parts[0] + "." + parts[1], serverkey.ErrForged},
		"empty":         {"", serverkey.ErrForged},
		"huge":          {strings.Repeat("a", 1<<20), serverkey.ErrForged},
		"no JSON":       {token(key, `{"alg":"EdDSA","kid":"a"}`, `hello`), serverkey.ErrForged},
	} {
		if err := keys.Open(tc.token, &out); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
