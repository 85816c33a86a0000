package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// Family is the line of refresh tokens of one enrolment. Its newest token has
// number Gen; tokens are recognised by a code over family, number and salt
// under a key that follows from the key file, so the database alone holds
// nothing that could be presented. Times are Unix milliseconds.
type Family struct {
	ID, Device, Centre uuid.UUID
	Salt               [16]byte
	Gen                uint32
	LastUsed           int64
	Ended              int64 // 0: alive
	Why                string
}

// Families keeps the refresh families.
type Families interface {
	// AddFamily stores a new family and ends the device's older ones.
	AddFamily(ctx context.Context, f Family) error
	// Family finds one; a NotFound fault for an unknown one.
	Family(ctx context.Context, id uuid.UUID) (Family, error)
	// ChangeFamily lets fn change a family within one durable transaction. An
	// error of fn changes nothing.
	ChangeFamily(ctx context.Context, id uuid.UUID, fn func(*Family) error) error
}

// Why a family ended.
const (
	endedReplaced = "replaced" // the device was enrolled again
	endedReplay   = "replay"   // a token older than the previous one was shown
)

const (
	refreshPrefix = "r1."
	refreshBytes  = 16 + 4 + 32
)

// token writes the family's token of a number.
func (a *Auth) token(f Family, gen uint32) string {
	b := make([]byte, 0, refreshBytes)
	b = append(b, f.ID[:]...)
	b = binary.BigEndian.AppendUint32(b, gen)
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(append(b, a.tokenCode(f, gen)...))
}

func (a *Auth) tokenCode(f Family, gen uint32) []byte {
	m := hmac.New(sha256.New, a.refresh)
	m.Write(f.ID[:])
	m.Write(binary.BigEndian.AppendUint32(nil, gen))
	m.Write(f.Salt[:])
	return m.Sum(nil)
}

// Refresh answers a new access token and the successor of the refresh token.
// The previous token works until its successor is first used, and gives the
// same successor again: a lost answer, or many calls at once, lock nobody out.
// Any older token ends the family. Whatever is wrong, also a revoked device,
// is a TokenInvalid fault.
func (a *Auth) Refresh(ctx context.Context, token string) (syncproto.TokenAnswer, error) {
	var none syncproto.TokenAnswer
	id, gen, code, err := splitToken(token)
	if err != nil {
		return none, err
	}
	f, err := a.cfg.Store.Family(ctx, id)
	if err != nil {
		return none, notKnown("refresh", err)
	}
	if !hmac.Equal(code, a.tokenCode(f, gen)) {
		return none, badRefresh("its code is wrong")
	}
	d, err := a.cfg.Store.Device(ctx, f.Centre, f.Device)
	if err != nil {
		return none, notKnown("refresh", err)
	}
	if d.ledger().Revoked {
		return none, badRefresh("its device is revoked")
	}
	var ended bool
	err = a.cfg.Store.ChangeFamily(ctx, id, func(stored *Family) error {
		if ended, err = a.rotate(stored, gen); err != nil {
			return err
		}
		f = *stored
		return nil
	})
	if err != nil {
		return none, fmt.Errorf("refresh: %w", err)
	}
	if ended {
		return none, badRefresh("it was replaced twice; its family has ended")
	}
	return a.answer(f)
}

// rotate decides what a genuine token of number gen does to its family.
func (a *Auth) rotate(f *Family, gen uint32) (ended bool, err error) {
	now := a.cfg.Now()
	switch {
	case f.Ended != 0:
		return false, badRefresh("its family has ended")
	case gen+1 < f.Gen:
		f.Ended, f.Why = now.UnixMilli(), endedReplay
		return true, nil
	case now.Sub(time.UnixMilli(f.LastUsed)) > a.cfg.RefreshIdle:
		return false, badRefresh("it was not used for too long")
	case gen >= f.Gen: // above it where this server was restored and has forgotten the numbers between
		f.Gen = gen + 1
	}
	f.LastUsed = now.UnixMilli()
	return false, nil
}

// answer gives the family's newest tokens.
func (a *Auth) answer(f Family) (syncproto.TokenAnswer, error) {
	access, err := a.tokens.issue(f.Device, f.Centre, f.ID)
	if err != nil {
		return syncproto.TokenAnswer{}, fmt.Errorf("issue token: %w", err)
	}
	return syncproto.TokenAnswer{
		AccessToken:  access,
		ExpiresIn:    int(a.cfg.AccessLife / time.Second),
		RefreshToken: a.token(f, f.Gen),
		ServerKeys:   a.cfg.Keys.Public(),
	}, nil
}

func splitToken(token string) (id uuid.UUID, gen uint32, code []byte, err error) {
	rest, ok := strings.CutPrefix(token, refreshPrefix)
	if !ok || len(rest) != base64.RawURLEncoding.EncodedLen(refreshBytes) {
		return uuid.Nil, 0, nil, badRefresh("it has not the form of one")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil || len(b) != refreshBytes {
		return uuid.Nil, 0, nil, badRefresh("it has not the form of one")
	}
	return uuid.UUID(b[:16]), binary.BigEndian.Uint32(b[16:20]), b[20:], nil
}

func badRefresh(why string) error {
	return fault.Wrap(syncproto.TokenInvalid, "登录已失效,请用新的登记码重新登记 · The refresh token is not valid; enrol again with a new code", fmt.Errorf("refresh token: %s", why))
}
