package clientsdk

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/google/uuid"
)

// Secret makes 16 bytes that only this phone can make, and makes again whenever
// it is asked: from the device's key, for a purpose and an id. Nobody who knows
// one of them, or its hash, learns another, or the key. It needs no network.
func (c *Client) Secret(purpose string, id uuid.UUID) ([16]byte, error) {
	me, err := c.enrolled()
	if err != nil {
		return [16]byte{}, err
	}
	h := hmac.New(sha256.New, me.key.Seed())
	h.Write([]byte("siteledger phone secret v1\x00" + purpose + "\x00"))
	h.Write(id[:])
	return [16]byte(h.Sum(nil)[:16]), nil
}
