package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"siteledger/server/fault"
)

// Cost is what a new password hash takes, argon2id's two main parameters. They
// stand in each hash, so that they can be raised without locking anybody out; a
// hash of another cost is renewed at the next sign-in.
type Cost struct {
	Memory uint32 // KiB
	Time   uint32 // passes
}

// DefaultCost is the least that OWASP recommends for argon2id: some 20 ms.
func DefaultCost() Cost { return Cost{Memory: 19 << 10, Time: 2} }

const (
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32

	// hashingAtOnce bounds the memory that sign-ins can take: 4 × 19 MiB.
	hashingAtOnce = 4
)

const (
	minPassword = 8   // characters
	maxPassword = 200 // bytes
)

func checkPassword(login, password string) error {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return fault.New(fault.Invalid, fmt.Sprintf("密码至少 %d 个字符 · The password needs at least %d characters", minPassword, minPassword))
	case len(password) > maxPassword:
		return fault.New(fault.Invalid, fmt.Sprintf("密码最多 %d 字节 · The password may have at most %d bytes", maxPassword, maxPassword))
	case login != "" && strings.EqualFold(login, password):
		return fault.New(fault.Invalid, "密码不能与登录名相同 · The password must not be the sign-in name")
	}
	return nil
}

func hashPassword(rand io.Reader, cost Cost, password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, cost.Time, cost.Memory, argonThreads, argonKey)
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, cost.Memory, cost.Time, argonThreads, enc(salt), enc(key)), nil
}

// verifyPassword compares in constant time. old says that the hash was made
// at another cost than today's.
func verifyPassword(hash string, today Cost, password string) (ok, old bool, err error) {
	p := strings.Split(hash, "$")
	if len(p) != 6 || p[1] != "argon2id" {
		return false, false, fmt.Errorf("stored password hash has a form that is not known")
	}
	var version int
	var memory, time uint32
	var threads uint8
	if _, err := fmt.Sscanf(p[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, false, fmt.Errorf("stored password hash: version %q", p[2])
	}
	if _, err := fmt.Sscanf(p[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil || memory > 1<<20 || time == 0 || time > 16 || threads == 0 {
		return false, false, fmt.Errorf("stored password hash: parameters %q", p[3])
	}
	salt, err := base64.RawStdEncoding.DecodeString(p[4])
	if err != nil {
		return false, false, fmt.Errorf("stored password hash: salt: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(p[5])
	if err != nil || len(want) == 0 {
		return false, false, fmt.Errorf("stored password hash: key: %w", err)
	}
	got := argon2.IDKey([]byte(password), salt, time, memory, threads, uint32(len(want)))
	old = Cost{memory, time} != today || threads != argonThreads
	return subtle.ConstantTimeCompare(got, want) == 1, old, nil
}

// hash and verify wait for one of the few places that may hash at once.
func (a *Auth) hash(ctx context.Context, password string) (string, error) {
	if err := a.hashing.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer a.hashing.Release(1)
	return hashPassword(a.cfg.Rand, a.cfg.Cost, password)
}

func (a *Auth) verify(ctx context.Context, hash, password string) (ok, old bool, err error) {
	if err := a.hashing.Acquire(ctx, 1); err != nil {
		return false, false, err
	}
	defer a.hashing.Release(1)
	return verifyPassword(hash, a.cfg.Cost, password)
}

// letters of codes and made-up passwords: no I, L, O, U, so that they can be
// read out over the telephone. 32 of them, so that a byte maps evenly.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// spell writes random bytes as letters in groups of four.
func spell(b []byte) string {
	var s strings.Builder
	for i, x := range b {
		if i > 0 && i%4 == 0 {
			s.WriteByte('-')
		}
		s.WriteByte(letters[x&31])
	}
	return s.String()
}
