package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// What an access token must say. The typ keeps receipts, signed by the same
// key, from passing as tokens.
const (
	tokenIssuer   = "siteledger"
	tokenAudience = "siteledger"
	tokenType     = "at+jwt"
	maxTokenBytes = 2048
)

// claims are an access token's. Centre and Family say where to look the device
// up; what it may do is never taken from the token.
type claims struct {
	jwt.RegisteredClaims
	Centre uuid.UUID `json:"ctr"`
	Family uuid.UUID `json:"fam"`
}

// Validate is called by the parser after its own checks.
func (c claims) Validate() error {
	if c.IssuedAt == nil || c.ExpiresAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > DefaultAccessLife {
		return errors.New("token lives too long")
	}
	if id, err := uuid.Parse(c.Subject); err != nil || id == uuid.Nil || c.Subject != id.String() {
		return errors.New("token names no device")
	}
	return nil
}

// issuer writes and reads access tokens: EdDSA and this server's own kid
// alone; whatever else a header offers (jku, x5u, jwk) is never looked at.
type issuer struct {
	keys   *Keys
	life   time.Duration
	now    func() time.Time
	parser *jwt.Parser
}

func newIssuer(keys *Keys, life time.Duration, now func() time.Time) *issuer {
	return &issuer{keys: keys, life: life, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(tokenIssuer),
		jwt.WithAudience(tokenAudience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(now),
	)}
}

func (i *issuer) issue(device, centre, family uuid.UUID) (string, error) {
	now := i.now()
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    tokenIssuer,
			Audience:  jwt.ClaimStrings{tokenAudience},
			Subject:   device.String(),
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(i.life)),
		},
		Centre: centre,
		Family: family,
	})
	t.Header["kid"] = i.keys.kid
	t.Header["typ"] = tokenType
	return t.SignedString(i.keys.private)
}

func (i *issuer) read(token string) (claims, error) {
	var c claims
	if len(token) > maxTokenBytes || strings.ContainsFunc(token, notInToken) {
		return c, badToken(errors.New("token has not the form of one"))
	}
	_, err := i.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != tokenType || t.Header["kid"] != i.keys.kid || t.Header["crit"] != nil {
			return nil, errors.New("header is not of an access token of this server")
		}
		return i.keys.public(), nil
	})
	switch {
	case err == nil:
		return c, nil
	case onlyExpired(err):
		return c, fault.Wrap(syncproto.TokenExpired, "登录已过期 · The access token has expired", err)
	default:
		return c, badToken(err)
	}
}

// notInToken finds what a token never holds; a base64 reader would skip line
// ends, so that one token had many spellings.
func notInToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
}

// onlyExpired says that a token is right in all but its age.
func onlyExpired(err error) bool {
	for _, other := range []error{
		jwt.ErrTokenMalformed, jwt.ErrTokenUnverifiable, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenInvalidAudience,
		jwt.ErrTokenInvalidIssuer, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenNotValidYet, jwt.ErrTokenRequiredClaimMissing,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return errors.Is(err, jwt.ErrTokenExpired)
}

func badToken(err error) error {
	return fault.Wrap(syncproto.TokenInvalid, "访问令牌无效 · The access token is not valid", err)
}

// Grant is what a bearer token stands for at this moment.
type Grant struct {
	Device  ledger.Device
	Expires time.Time
}

// Grant checks a bearer token and looks its device up. A device that was
// revoked, or whose person was disabled, comes back with Revoked set and no
// error: it may still hand in its log to quarantine, and nothing else. A token
// whose family ended, or of a device that this server does not know, is a
// TokenInvalid fault, one past its time TokenExpired.
func (a *Auth) Grant(ctx context.Context, bearer string) (Grant, error) {
	c, err := a.tokens.read(bearer)
	if err != nil {
		return Grant{}, err
	}
	id := uuid.MustParse(c.Subject) // checked by Validate
	f, err := a.cfg.Store.Family(ctx, c.Family)
	if err == nil && (f.Ended != 0 || f.Device != id || f.Centre != c.Centre) {
		err = fault.New(syncproto.NotFound, "family ended")
	}
	if err != nil {
		return Grant{}, notKnown("find session of device", err)
	}
	d, err := a.cfg.Store.Device(ctx, c.Centre, id)
	if err != nil {
		return Grant{}, notKnown("find device", err)
	}
	return Grant{Device: d.ledger(), Expires: c.ExpiresAt.Time}, nil
}

// Device is [Auth.Grant] without the token's end.
func (a *Auth) Device(ctx context.Context, bearer string) (ledger.Device, error) {
	g, err := a.Grant(ctx, bearer)
	return g.Device, err
}

// notKnown turns a NotFound of the store into a TokenInvalid.
func notKnown(doing string, err error) error {
	if fault.CodeOf(err) == syncproto.NotFound {
		return badToken(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
