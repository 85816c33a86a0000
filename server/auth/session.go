package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// SessionRecord is one signed-in browser. Digest is SHA-256 of its token.
// Times are Unix milliseconds.
type SessionRecord struct {
	Digest            [32]byte
	Person            uuid.UUID
	Created, LastSeen int64
}

// Sessions keeps the screens' sessions.
type Sessions interface {
	// AddSession stores a session and drops those created before the cut.
	AddSession(ctx context.Context, s SessionRecord, cut int64) error
	// SessionByDigest finds a session and its person; a NotFound fault for an
	// unknown one.
	SessionByDigest(ctx context.Context, digest [32]byte) (SessionRecord, Account, error)
	// TouchSession moves a session's last use.
	TouchSession(ctx context.Context, digest [32]byte, at int64) error
	// EndSession ends one session; an unknown one is no error.
	EndSession(ctx context.Context, digest [32]byte) error
	// EndSessions ends all sessions of a person.
	EndSessions(ctx context.Context, person uuid.UUID) error
}

// touchEvery spares a durable write at each click.
const touchEvery = 5 * time.Minute

// SignIn checks a name and a password and answers a session token for a
// cookie. The answer and its time are the same for an unknown name, a wrong
// password and a disabled person: a SignedOut fault. Too many tries of a name
// from one remote, or from one remote in all, are a TooMany fault; other
// sessions of the person go on.
func (a *Auth) SignIn(ctx context.Context, login, password, remote string) (string, Person, error) {
	acc, err := a.check(ctx, login, password, remote)
	if err != nil {
		return "", Person{}, err
	}
	raw, err := a.random(32)
	if err != nil {
		return "", Person{}, err
	}
	token := base64.RawURLEncoding.EncodeToString(raw)
	now := a.cfg.Now()
	rec := SessionRecord{Digest: sha256.Sum256([]byte(token)), Person: acc.ID, Created: now.UnixMilli(), LastSeen: now.UnixMilli()}
	if err := a.cfg.Store.AddSession(ctx, rec, now.Add(-a.cfg.SessionAbsolute).UnixMilli()); err != nil {
		return "", Person{}, fmt.Errorf("sign in: %w", err)
	}
	return token, acc.Person, nil
}

// check is the one place that compares a password.
func (a *Auth) check(ctx context.Context, login, password, remote string) (Account, error) {
	login, err := cleanLogin(login)
	if err != nil {
		login = "" // nobody; the tries still count
	}
	key := login + "\x00" + remote
	if err := a.remotes.try(remote); err != nil {
		return Account{}, err
	}
	if err := a.names.try(key); err != nil {
		return Account{}, err
	}
	acc, err := a.cfg.Store.AccountByLogin(ctx, login)
	if err != nil && fault.CodeOf(err) != syncproto.NotFound {
		return Account{}, fmt.Errorf("sign in: %w", err)
	}
	hash := acc.Hash
	if hash == "" || len(password) > maxPassword {
		if hash, err = a.dummy(); err != nil {
			return Account{}, fmt.Errorf("sign in: %w", err)
		}
		acc.Active = false
	}
	ok, old, err := a.verify(ctx, hash, password[:min(len(password), maxPassword)])
	if err != nil {
		return Account{}, fmt.Errorf("sign in: %w", err)
	}
	if !ok || !acc.Active {
		return Account{}, wrongSignIn()
	}
	a.names.forgive(key)
	if old {
		if err := a.renew(ctx, acc, password); err != nil {
			return Account{}, err
		}
	}
	return acc, nil
}

// renew hashes the password again with today's parameters.
func (a *Auth) renew(ctx context.Context, acc Account, password string) error {
	hash, err := a.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.cfg.Store.SetCredential(ctx, Credential{Person: acc.ID, Centre: acc.Centre, Login: acc.Login, Hash: hash, At: a.cfg.Now().UnixMilli()})
}

func wrongSignIn() error {
	return fault.New(fault.SignedOut, "登录名或密码不正确 · The sign-in name or the password is wrong")
}

// Session answers who a session token belongs to, and the token that each form
// must carry. A session that is unknown, idle too long, too old, or of a
// disabled person is a SignedOut fault.
func (a *Auth) Session(ctx context.Context, token string) (Person, string, error) {
	if len(token) != base64.RawURLEncoding.EncodedLen(32) {
		return Person{}, "", signedOut()
	}
	digest := sha256.Sum256([]byte(token))
	rec, acc, err := a.cfg.Store.SessionByDigest(ctx, digest)
	if fault.CodeOf(err) == syncproto.NotFound && err != nil {
		return Person{}, "", signedOut()
	}
	if err != nil {
		return Person{}, "", fmt.Errorf("find session: %w", err)
	}
	now := a.cfg.Now()
	idle := now.Sub(time.UnixMilli(rec.LastSeen))
	if idle > a.cfg.SessionIdle || now.Sub(time.UnixMilli(rec.Created)) > a.cfg.SessionAbsolute || !acc.Active {
		if err := a.cfg.Store.EndSession(ctx, digest); err != nil {
			return Person{}, "", fmt.Errorf("end session: %w", err)
		}
		return Person{}, "", signedOut()
	}
	if idle > touchEvery {
		if err := a.cfg.Store.TouchSession(ctx, digest, now.UnixMilli()); err != nil {
			return Person{}, "", fmt.Errorf("touch session: %w", err)
		}
	}
	return acc.Person, csrf(token), nil
}

// SignOut ends a session; an unknown one is no error.
func (a *Auth) SignOut(ctx context.Context, token string) error {
	return a.cfg.Store.EndSession(ctx, sha256.Sum256([]byte(token)))
}

// csrf is a token of its own that follows from the session's and tells nothing
// about it.
func csrf(token string) string {
	sum := sha256.Sum256([]byte("siteledger csrf v1" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func signedOut() error {
	return fault.New(fault.SignedOut, "请先登录 · Please sign in")
}
