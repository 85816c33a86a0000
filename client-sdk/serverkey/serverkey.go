// Package serverkey checks what the server signed: receipts for changes and for
// photos, and a supervisor's permit. Nothing that a phone deletes is deleted
// without such a check.
//
// It accepts one algorithm (EdDSA over Ed25519) and only keys that came with an
// enrolment or a token; no header of a token can name another key, another
// algorithm or an address to fetch one from.
package serverkey

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Errors of a check.
var (
	// ErrUnknownKey: the key that the token names is not known here. It may come
	// with the next access token; until then the token proves nothing.
	ErrUnknownKey = errors.New("signed with a key that this phone does not know")
	// ErrForged: the token is not what the server signed.
	ErrForged = errors.New("not signed by the server")
)

// maxToken bounds a token in bytes; a receipt has some 400.
const maxToken = 8 << 10

// Keys are the server's public keys by their id.
type Keys map[string]ed25519.PublicKey

// Open checks a compact JWS and reads its payload into out. Members of the
// payload that out does not know are ignored. On an error out must not be used.
func (k Keys) Open(token string, out any) error {
	if len(token) > maxToken {
		return fmt.Errorf("%w: too long", ErrForged)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fmt.Errorf("%w: not in three parts", ErrForged)
	}
	header, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil {
		return fmt.Errorf("%w: header: %w", ErrForged, err)
	}
	var h struct {
		Alg  string   `json:"alg"`
		Kid  string   `json:"kid"`
		Crit []string `json:"crit"`
	}
	if err := json.Unmarshal(header, &h); err != nil {
		return fmt.Errorf("%w: header: %w", ErrForged, err)
	}
	if h.Alg != "EdDSA" || len(h.Crit) > 0 {
		return fmt.Errorf("%w: algorithm %q", ErrForged, h.Alg)
	}
	key, ok := k[h.Kid]
	if !ok {
		return fmt.Errorf("%w: %q", ErrUnknownKey, h.Kid)
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(key) != ed25519.PublicKeySize ||
		!ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		return fmt.Errorf("%w: wrong signature", ErrForged)
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil {
		return fmt.Errorf("%w: payload: %w", ErrForged, err)
	}
	if err := json.NewDecoder(bytes.NewReader(payload)).Decode(out); err != nil {
		return fmt.Errorf("%w: payload: %w", ErrForged, err)
	}
	return nil
}
