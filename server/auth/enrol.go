package auth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Code is a one-time enrolment code. Digest is SHA-256 of its letters. Once
// claimed it names the key, device and family that it made. Times are Unix
// milliseconds.
type Code struct {
	Digest           [32]byte
	Person, Centre   uuid.UUID
	By               uuid.UUID // who asked for it; uuid.Nil: the command line
	Created, Expires int64

	Key       []byte // nil: not claimed
	Device    uuid.UUID
	Family    uuid.UUID
	ClaimedAt int64
}

// Codes keeps the enrolment codes.
type Codes interface {
	// AddCode stores a code and drops those that expired before the cut.
	AddCode(ctx context.Context, c Code, cut int64) error
	// CodeByDigest finds a code, claimed or not; a NotFound fault for an
	// unknown one.
	CodeByDigest(ctx context.Context, digest [32]byte) (Code, error)
	// ClaimCode stores Key, Device, Family and ClaimedAt of a code that nobody
	// has claimed; a NotFound fault where somebody has.
	ClaimCode(ctx context.Context, c Code) error
}

// codeLetters gives 60 bits: ten minutes and the limit on tries are far too
// short to guess one.
const codeLetters = 12

// NewCode makes an enrolment code for a person: by a clerk or supervisor of
// the same centre, or an administrator. A person of another centre is a
// NotFound fault, one who uses no phone, or was disabled, Invalid.
func (a *Auth) NewCode(ctx context.Context, by, person uuid.UUID) (code string, expires time.Time, err error) {
	who, err := a.Person(ctx, by)
	if err != nil {
		return "", time.Time{}, err
	}
	if !who.Active {
		return "", time.Time{}, fault.New(syncproto.Forbidden, "已停用 · This person was disabled")
	}
	return a.newCode(ctx, who, person)
}

// OperatorCode makes an enrolment code from the server's own command line.
func (a *Auth) OperatorCode(ctx context.Context, person uuid.UUID) (code string, expires time.Time, err error) {
	return a.newCode(ctx, Operator(), person)
}

func (a *Auth) newCode(ctx context.Context, by Person, person uuid.UUID) (string, time.Time, error) {
	p, err := a.Person(ctx, person)
	if err != nil {
		return "", time.Time{}, err
	}
	if by.Role != schema.Admin {
		if p.Centre != by.Centre {
			return "", time.Time{}, unknownPerson()
		}
		if by.Role != schema.Clerk && by.Role != schema.Supervisor {
			return "", time.Time{}, fault.New(syncproto.Forbidden, "没有权限发放登记码 · You may not give out codes")
		}
	}
	if err := usesPhone(p); err != nil {
		return "", time.Time{}, err
	}
	raw, err := a.random(codeLetters)
	if err != nil {
		return "", time.Time{}, err
	}
	code, now := spell(raw), a.cfg.Now()
	expires := now.Add(a.cfg.CodeLife)
	err = a.cfg.Store.AddCode(ctx, Code{
		Digest: codeDigest(code), Person: p.ID, Centre: p.Centre, By: by.ID,
		Created: now.UnixMilli(), Expires: expires.UnixMilli(),
	}, now.Add(-24*time.Hour).UnixMilli())
	if err != nil {
		return "", time.Time{}, fmt.Errorf("store code: %w", err)
	}
	return code, expires, a.note(ctx, by, "code-issued", p.ID)
}

func usesPhone(p Person) error {
	if !p.Active || (p.Role != schema.Installer && p.Role != schema.Supervisor) {
		return fault.New(fault.Invalid, "此人员不使用手机端 · This person uses no phone, or was disabled")
	}
	return nil
}

// codeDigest forgives what people do when they copy a code: lower case,
// missing or other dashes, O for 0, I and L for 1.
func codeDigest(code string) [32]byte {
	var b strings.Builder
	for _, r := range strings.ToUpper(code) {
		switch r {
		case '-', '–', '—', ' ':
		case 'O':
			b.WriteByte('0')
		case 'I', 'L':
			b.WriteByte('1')
		default:
			b.WriteRune(r)
		}
	}
	return sha256.Sum256([]byte("siteledger code v1" + b.String()))
}

// Enrol makes a phone known, or lets one come back under its id (protocol §8).
// Faults: KeyInvalid, SignatureInvalid, CodeInvalid (unknown, used and expired
// alike, and a code that is for somebody else than the device). A refused call
// does not use the code up; the same code with the same key, within its time,
// answers the same device again.
func (a *Auth) Enrol(ctx context.Context, req syncproto.EnrolRequest, remote string) (syncproto.EnrolAnswer, error) {
	var none syncproto.EnrolAnswer
	if err := a.codes.open(remote); err != nil {
		return none, err
	}
	if err := checkEnrol(req); err != nil {
		return none, err
	}
	a.enrolling.Lock()
	defer a.enrolling.Unlock()
	code, p, err := a.findCode(ctx, req)
	if err != nil {
		if fault.CodeOf(err) == syncproto.CodeInvalid {
			_ = a.codes.try(remote) // counted; this answer stays code-invalid
		}
		return none, err
	}
	rec, known, err := a.target(ctx, req, p, &code)
	if err != nil {
		return none, err
	}
	if code.Key != nil && rec.RevokedAt >= code.ClaimedAt {
		return none, codeInvalid() // revoked since; the old code does not lift that
	}
	if code.Key == nil {
		if err := a.claim(ctx, req, &code, rec.ID); err != nil {
			return none, err
		}
	}
	if err := a.saveDevice(ctx, req, rec, known); err != nil {
		return none, err
	}
	return a.enrolled(ctx, code, p)
}

// checkEnrol checks what needs no look at the store.
func checkEnrol(req syncproto.EnrolRequest) error {
	if len(req.Code) == 0 || len(req.Code) > 64 {
		return codeInvalid()
	}
	if len(req.PublicKey) != ed25519.PublicKeySize || weakKey(req.PublicKey) {
		return fault.New(syncproto.KeyInvalid, "设备公钥无效 · The device's public key is not valid")
	}
	if len(req.Platform) > 60 || len(req.Model) > 120 || len(req.App) > 60 || req.Schema < 0 {
		return fault.New(syncproto.BodyInvalid, "设备描述过长 · The description of the device is too long")
	}
	var device uuid.UUID
	if req.Device != nil {
		device = *req.Device
		if device.Version() != 7 {
			return fault.New(syncproto.BodyInvalid, "设备号必须是 UUIDv7 · A device's id is a UUIDv7")
		}
	}
	if !ed25519.Verify(req.PublicKey, changelog.EnrolMessage(device, req.PublicKey, req.Code), req.Proof) {
		return fault.New(syncproto.SignatureInvalid, "密钥证明不正确 · The proof does not match the key")
	}
	return nil
}

// findCode finds a code that this key may use now, and its person.
func (a *Auth) findCode(ctx context.Context, req syncproto.EnrolRequest) (Code, Person, error) {
	code, err := a.cfg.Store.CodeByDigest(ctx, codeDigest(req.Code))
	switch {
	case err != nil && fault.CodeOf(err) == syncproto.NotFound:
		return Code{}, Person{}, codeInvalid()
	case err != nil:
		return Code{}, Person{}, fmt.Errorf("find code: %w", err)
	case a.cfg.Now().UnixMilli() > code.Expires:
		return Code{}, Person{}, codeInvalid()
	case code.Key != nil && !bytes.Equal(code.Key, req.PublicKey):
		return Code{}, Person{}, codeInvalid()
	}
	p, err := a.Person(ctx, code.Person)
	if err != nil {
		return Code{}, Person{}, fmt.Errorf("find person of code: %w", err)
	}
	if usesPhone(p) != nil {
		return Code{}, Person{}, codeInvalid()
	}
	return code, p, nil
}

// target says which device the call is about: the one that the code made
// before, the one that the phone names, or a new one. known says that it has a
// row.
func (a *Auth) target(ctx context.Context, req syncproto.EnrolRequest, p Person, code *Code) (rec DeviceRecord, known bool, err error) {
	id := code.Device
	switch {
	case code.Key != nil && req.Device != nil && *req.Device != id:
		return rec, false, codeInvalid()
	case code.Key != nil:
	case req.Device != nil:
		id = *req.Device
	default:
		if id, err = a.cfg.NewID(); err != nil {
			return rec, false, err
		}
	}
	rec, err = a.cfg.Store.DeviceByID(ctx, id)
	switch {
	case err != nil && fault.CodeOf(err) == syncproto.NotFound:
		return DeviceRecord{ID: id, Centre: p.Centre, Person: p.ID}, false, nil
	case err != nil:
		return rec, false, fmt.Errorf("find device: %w", err)
	case rec.Person != p.ID || rec.Centre != p.Centre:
		return rec, false, codeInvalid()
	case !bytes.Equal(rec.Key, req.PublicKey):
		return rec, false, fault.New(syncproto.KeyInvalid, "设备密钥与原来的不同 · This device was enrolled with another key")
	}
	return rec, true, nil
}

// claim binds the code to this key and device before anything is written, so
// that a call that is interrupted from here on is finished by the next one.
func (a *Auth) claim(ctx context.Context, req syncproto.EnrolRequest, code *Code, device uuid.UUID) error {
	family, err := a.cfg.NewID()
	if err != nil {
		return err
	}
	code.Key, code.Device, code.Family, code.ClaimedAt = req.PublicKey, device, family, a.cfg.Now().UnixMilli()
	err = a.cfg.Store.ClaimCode(ctx, *code)
	if err != nil && fault.CodeOf(err) == syncproto.NotFound {
		return codeInvalid()
	}
	if err != nil {
		return fmt.Errorf("claim code: %w", err)
	}
	return nil
}

// saveDevice writes the device's row, or what changed of it: a code given by
// the office also lifts an earlier revocation.
func (a *Auth) saveDevice(ctx context.Context, req syncproto.EnrolRequest, rec DeviceRecord, known bool) error {
	edit := ledger.Edit{Table: "device", Row: rec.ID, Op: changelog.Insert, Cols: map[string]any{
		"person": rec.Person[:], "platform": req.Platform, "model": req.Model, "app": req.App,
		"public_key": req.PublicKey, "enrolled_at": a.cfg.Now().UnixMilli(),
	}}
	if known {
		edit.Op, edit.Cols, edit.Was = changelog.Update, map[string]any{}, map[string]any{}
		for col, v := range map[string][2]string{"platform": {rec.Platform, req.Platform}, "model": {rec.Model, req.Model}, "app": {rec.App, req.App}} {
			if v[0] != v[1] {
				edit.Was[col], edit.Cols[col] = v[0], v[1]
			}
		}
		if rec.RevokedAt != 0 {
			edit.Was["revoked_at"], edit.Cols["revoked_at"] = rec.RevokedAt, nil
		}
		if len(edit.Cols) == 0 {
			return nil
		}
	}
	if _, err := a.cfg.Journal.Write(ctx, rec.Centre, system(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("write device: %w", err)
	}
	return nil
}

// enrolled gives the answer: the tokens and the block of receipt numbers that
// belong to this code, made now or by an earlier call whose answer was lost.
func (a *Auth) enrolled(ctx context.Context, code Code, p Person) (syncproto.EnrolAnswer, error) {
	var none syncproto.EnrolAnswer
	f, err := a.cfg.Store.Family(ctx, code.Family)
	if err != nil && fault.CodeOf(err) == syncproto.NotFound {
		f, err = a.newFamily(ctx, code)
	}
	if err != nil {
		return none, fmt.Errorf("begin session of device: %w", err)
	}
	if f.Ended != 0 {
		return none, codeInvalid() // the phone came back with a later code meanwhile
	}
	block, err := a.lease(ctx, p.Centre, code.Device, code.Family)
	if err != nil {
		return none, err
	}
	tokens, err := a.answer(f)
	if err != nil {
		return none, err
	}
	return syncproto.EnrolAnswer{
		Device: code.Device, Person: p.ID, Centre: p.Centre, History: a.cfg.History,
		AccessToken: tokens.AccessToken, ExpiresIn: tokens.ExpiresIn, RefreshToken: tokens.RefreshToken,
		ServerKeys: tokens.ServerKeys, ReceiptRanges: []syncproto.ReceiptRange{block}, Schema: a.cfg.Schema,
	}, nil
}

func (a *Auth) newFamily(ctx context.Context, code Code) (Family, error) {
	salt, err := a.random(16)
	if err != nil {
		return Family{}, err
	}
	f := Family{ID: code.Family, Device: code.Device, Centre: code.Centre, Salt: [16]byte(salt), LastUsed: a.cfg.Now().UnixMilli()}
	if err := a.cfg.Store.AddFamily(ctx, f); err != nil {
		return Family{}, err
	}
	return f, a.note(ctx, Person{ID: code.Person}, "device-enrolled", code.Device)
}

func codeInvalid() error {
	return fault.New(syncproto.CodeInvalid, "登记码无效或已过期 · The code is not valid, or has expired").
		WithHint("请向服务中心索取新的登记码 · Ask the service centre for a new code")
}

// weakKey finds the points of small order, with which a signature proves
// nothing: every encoding of them, the sign bit aside.
func weakKey(key []byte) bool {
	masked := bytes.Clone(key)
	masked[31] &= 0x7f
	p := bytes.Repeat([]byte{0xff}, 32) // 2^255 - 19 and its neighbours
	p[31] = 0x7f
	for _, low := range []byte{0xec, 0xed, 0xee} { // -1, 0, 1
		p[0] = low
		if bytes.Equal(masked, p) {
			return true
		}
	}
	zero := make([]byte, 32)
	one := append([]byte{1}, zero[1:]...)
	if bytes.Equal(masked, zero) || bytes.Equal(masked, one) {
		return true
	}
	switch hex.EncodeToString(masked) {
	case "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a":
		return true
	}
	return false
}
