// Package authtest makes bad access tokens, for every test that must show that
// a door stays shut. It is used by tests alone.
package authtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// Signer signs any message with the server's own key.
type Signer interface {
	Sign(message []byte) []byte
	SignJWS(payload any) (string, error)
}

// Bad is a token that must be refused. Expired says that nothing else is
// wrong with it.
type Bad struct {
	Name    string
	Token   string
	Expired bool
}

// Forger changes a good token. It has the server's key, so that most of its
// tokens have a right signature over wrong contents.
type Forger struct {
	keys   Signer
	now    time.Time
	header map[string]any
	claims map[string]any
}

// NewForger starts from a good token.
func NewForger(keys Signer, good string, now time.Time) *Forger {
	f := &Forger{keys: keys, now: now}
	parts := strings.Split(good, ".")
	for i, into := range []*map[string]any{&f.header, &f.claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			panic(err) // a test gave no token
		}
	}
	return f
}

type change func(header, claims map[string]any)

func set(claim string, v any) change { return func(_, c map[string]any) { c[claim] = v } }
func drop(claim string) change       { return func(_, c map[string]any) { delete(c, claim) } }
func setHeader(k string, v any) change {
	return func(h, _ map[string]any) { h[k] = v }
}
func dropHeader(k string) change { return func(h, _ map[string]any) { delete(h, k) } }

// Good is the token that the changes start from, signed anew.
func (f *Forger) Good(tb testing.TB) string { return f.sign(tb) }

func (f *Forger) input(tb testing.TB, changes ...change) string {
	tb.Helper()
	h, c := maps.Clone(f.header), maps.Clone(f.claims)
	for _, ch := range changes {
		ch(h, c)
	}
	return part(tb, h) + "." + part(tb, c)
}

func part(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func (f *Forger) sign(tb testing.TB, changes ...change) string {
	tb.Helper()
	in := f.input(tb, changes...)
	return in + "." + base64.RawURLEncoding.EncodeToString(f.keys.Sign([]byte(in)))
}

// stranger signs with a key that is not the server's.
func (f *Forger) stranger(tb testing.TB, changes ...change) string {
	tb.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	in := f.input(tb, changes...)
	return in + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(in)))
}

// BadTokens is the table.
func (f *Forger) BadTokens(tb testing.TB) []Bad {
	tb.Helper()
	return slices.Concat(f.badAlgorithms(tb), f.badHeaders(tb), f.badTimes(tb), f.badClaims(tb), f.badForms(tb))
}

func (f *Forger) badAlgorithms(tb testing.TB) []Bad {
	hs := func(alg string, secret []byte) string {
		in := f.input(tb, setHeader("alg", alg))
		m := hmac.New(sha256.New, secret)
		if alg == "HS512" {
			m = hmac.New(sha512.New, secret)
		}
		m.Write([]byte(in))
		return in + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	kid, _ := f.header["kid"].(string)
	return []Bad{
		{Name: "alg none without signature", Token: f.input(tb, setHeader("alg", "none")) + "."},
		{Name: "alg nOnE", Token: f.input(tb, setHeader("alg", "nOnE")) + "."},
		{Name: "alg none with a right signature", Token: f.sign(tb, setHeader("alg", "none"))},
		{Name: "alg HS256 keyed with the kid", Token: hs("HS256", []byte(kid))},
		{Name: "alg HS512 with an empty key", Token: hs("HS512", nil)},
		{Name: "alg RS256", Token: f.sign(tb, setHeader("alg", "RS256"))},
		{Name: "alg ES256", Token: f.sign(tb, setHeader("alg", "ES256"))},
		{Name: "alg in lower case", Token: f.sign(tb, setHeader("alg", "eddsa"))},
		{Name: "no alg", Token: f.sign(tb, dropHeader("alg"))},
		{Name: "a stranger's signature", Token: f.stranger(tb)},
	}
}

func (f *Forger) badHeaders(tb testing.TB) []Bad {
	jwk := map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))}
	return []Bad{
		{Name: "a stranger's key in jwk", Token: f.stranger(tb, setHeader("jwk", jwk))},
		{Name: "a stranger's key behind jku", Token: f.stranger(tb, setHeader("jku", "http://127.0.0.1:1/keys"))},
		{Name: "a stranger's key behind x5u", Token: f.stranger(tb, setHeader("x5u", "http://127.0.0.1:1/cert"))},
		{Name: "no kid", Token: f.sign(tb, dropHeader("kid"))},
		{Name: "kid of a path", Token: f.sign(tb, setHeader("kid", "../../keys/server.ed25519"))},
		{Name: "kid of SQL", Token: f.sign(tb, setHeader("kid", "' OR 1=1 --"))},
		{Name: "kid of a megabyte", Token: f.sign(tb, setHeader("kid", strings.Repeat("k", 1<<20)))},
		{Name: "kid of a number", Token: f.sign(tb, setHeader("kid", 1))},
		{Name: "no typ", Token: f.sign(tb, dropHeader("typ"))},
		{Name: "typ JWT", Token: f.sign(tb, setHeader("typ", "JWT"))},
		{Name: "typ of a receipt", Token: f.sign(tb, setHeader("typ", "receipt+jws"))},
		{Name: "a receipt of the same words", Token: f.receipt(tb)},
		{Name: "crit", Token: f.sign(tb, setHeader("crit", []string{"exp"}))},
	}
}

func (f *Forger) receipt(tb testing.TB) string {
	tb.Helper()
	s, err := f.keys.SignJWS(f.claims)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func (f *Forger) badTimes(tb testing.TB) []Bad {
	now := f.now.Unix()
	old := func(_, c map[string]any) { c["iat"], c["exp"] = now-1000, now-100 }
	return []Bad{
		{Name: "expired", Token: f.sign(tb, old), Expired: true},
		{Name: "expired and for somebody else", Token: f.sign(tb, old, set("aud", "other"))},
		{Name: "no exp", Token: f.sign(tb, drop("exp"))},
		{Name: "exp of text", Token: f.sign(tb, set("exp", "tomorrow"))},
		{Name: "exp of an hour", Token: f.sign(tb, set("exp", now+3600))},
		{Name: "exp of a thousand years", Token: f.sign(tb, set("exp", now+31_536_000_000))},
		{Name: "no iat", Token: f.sign(tb, drop("iat"))},
		{Name: "iat tomorrow", Token: f.sign(tb, set("iat", now+86400), set("exp", now+86500))},
		{Name: "nbf tomorrow", Token: f.sign(tb, set("nbf", now+86400))},
	}
}

func (f *Forger) badClaims(tb testing.TB) []Bad {
	const unknown = "019aaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"
	sub, _ := f.claims["sub"].(string)
	return []Bad{
		{Name: "no aud", Token: f.sign(tb, drop("aud"))},
		{Name: "another aud", Token: f.sign(tb, set("aud", []string{"siteledger-admin"}))},
		{Name: "no iss", Token: f.sign(tb, drop("iss"))},
		{Name: "another iss", Token: f.sign(tb, set("iss", "https://evil.example"))},
		{Name: "no sub", Token: f.sign(tb, drop("sub"))},
		{Name: "sub of no device", Token: f.sign(tb, set("sub", "admin"))},
		{Name: "sub in capitals", Token: f.sign(tb, set("sub", strings.ToUpper(sub)))},
		{Name: "an unknown device", Token: f.sign(tb, set("sub", unknown))},
		{Name: "another centre", Token: f.sign(tb, set("ctr", unknown))},
		{Name: "no centre", Token: f.sign(tb, drop("ctr"))},
		{Name: "an unknown family", Token: f.sign(tb, set("fam", unknown))},
		{Name: "no family", Token: f.sign(tb, drop("fam"))},
	}
}

func (f *Forger) badForms(tb testing.TB) []Bad {
	good := f.sign(tb)
	parts := strings.Split(good, ".")
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		tb.Fatal(err)
	}
	flipped := slices.Clone(sig)
	flipped[10] ^= 1
	enc := base64.RawURLEncoding.EncodeToString
	in := parts[0] + "." + parts[1] + "."
	list := part(tb, []string{"a"})
	return []Bad{
		{Name: "one bit of the signature", Token: in + enc(flipped)},
		{Name: "half a signature", Token: in + enc(sig[:32])},
		{Name: "no signature", Token: in},
		{Name: "the same signature with S + L", Token: in + enc(malleable(sig))},
		{Name: "contents changed after signing", Token: parts[0] + "." + part(tb, map[string]any{"sub": "x"}) + "." + parts[2]},
		{Name: "padded base64", Token: in + parts[2] + "=="},
		{Name: "two parts", Token: parts[0] + "." + parts[1]},
		{Name: "four parts", Token: good + "." + parts[2]},
		{Name: "no base64", Token: "§.§.§"},
		{Name: "a list", Token: parts[0] + "." + list + "." + enc(f.keys.Sign([]byte(parts[0]+"."+list)))},
		{Name: "noise", Token: "noise"},
		{Name: "a new line", Token: good + "\n"},
	}
}

// malleable adds the group's order to S: a check that is not strict takes it.
func malleable(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:32]), sum...)
}
