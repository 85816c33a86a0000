package serverkey_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"siteledger/client-sdk/serverkey"
	"siteledger/syncproto/mutate"
)

// signed makes receipts and what must be told of each: nothing but the very
// payloads that were signed may come out of any bytes.
func signed() (seeds [][]byte, body func(testing.TB, []byte) bool) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	keys := serverkey.Keys{"a": key.Public().(ed25519.PublicKey)}
	payloads := []string{`{"acked":7,"head":"ab"}`, `{"sha256":"cd","size":9}`}
	for _, p := range payloads {
		seeds = append(seeds, []byte(token(key, `{"alg":"EdDSA","kid":"a","typ":"receipt+jws"}`, p)))
	}
	seeds = append(seeds, []byte(token(stranger, `{"alg":"EdDSA","kid":"a"}`, payloads[0])), []byte(token(key, `{"alg":"none","kid":"a"}`, payloads[0])))
	return seeds, func(t testing.TB, b []byte) bool {
		var out json.RawMessage
		if keys.Open(string(b), &out) != nil {
			return false
		}
		if string(out) != payloads[0] && string(out) != payloads[1] {
			t.Fatalf("a payload that was never signed: %s", out)
		}
		return true
	}
}

func FuzzOpen(f *testing.F) {
	seeds, body := signed()
	for _, b := range seeds {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { body(t, b) })
}

func TestFuzzed(t *testing.T) {
	seeds, body := signed()
	mutate.Run(t, "FuzzOpen", 25_000, seeds, body)
}
