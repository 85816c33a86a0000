package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Format names the form of a bundle.
const Format = "siteledger evidence v1"

// Names of the entries that every bundle has.
const (
	pageName     = "index.html"
	labelsName   = "labels.json"
	manifestName = "manifest.json"
	sealName     = "manifest.jws"
	logFolder    = "ledger/"
	fileFolder   = "attachments/"
)

// Words is a sentence in both languages.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

func (w Words) String() string { return w.ZH + " · " + w.EN }

// Manifest says what is in a bundle and what the server knows of it. Times are
// Unix milliseconds; wall is the writer's own clock, received the server's,
// earliest and latest bound when it was recorded, in the server's time.
type Manifest struct {
	Format    string       `json:"format"`
	MadeAt    int64        `json:"made_at"`
	MadeBy    Person       `json:"made_by"`
	History   uuid.UUID    `json:"history"`
	Centre    Named        `json:"centre"`
	Job       Named        `json:"job"`
	Defect    *uuid.UUID   `json:"defect,omitempty"` // set: this defect of the job alone
	Schema    int          `json:"schema"`
	Rules     int          `json:"rules"`
	ServerKey Key          `json:"server_key"`
	People    []Person     `json:"people"`
	Devices   []Device     `json:"devices"`
	Logs      []LogFile    `json:"logs"`
	Files     []Attachment `json:"attachments"`
	Absent    []Absent     `json:"absent"` // files that rows name and the server has not got
	Outcomes  []Outcome    `json:"outcomes"`
	Losers    []Loser      `json:"losers"`
	Cases     []Case       `json:"cases"`
	Entries   []File       `json:"entries"` // every other entry of the zip, by name
}

// Named is an id with the name that people know it by.
type Named struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

// Person is somebody who wrote, or made the bundle.
type Person struct {
	ID   uuid.UUID   `json:"id"`
	Name string      `json:"name"`
	Role schema.Role `json:"role"`
}

// Key is the public key that the server signs with.
type Key struct {
	KID         string `json:"kid"`
	PublicKey   []byte `json:"public_key"`
	Fingerprint string `json:"fingerprint"`
}

// Device is a phone and whose it was. Enrolment and revocation are also
// entries of the office's log, which the bundle shows.
type Device struct {
	ID         uuid.UUID `json:"id"`
	Person     uuid.UUID `json:"person"`
	Model      string    `json:"model,omitempty"`
	PublicKey  []byte    `json:"public_key"`
	EnrolledAt int64     `json:"enrolled_at"`
	RevokedAt  int64     `json:"revoked_at,omitempty"`
}

// LogFile is one log's part of the chain.
type LogFile struct {
	Path   string    `json:"path"`
	Device uuid.UUID `json:"device"`
	Epoch  uuid.UUID `json:"epoch"`
	Office bool      `json:"office"` // signed by the server
	Last   uint64    `json:"last"`
	Shown  int       `json:"shown"`  // changes with their bytes
	Hidden int       `json:"hidden"` // changes by their digest alone
}

// Naming is a row's column that names a file, and the change that said so.
type Naming struct {
	Table    string    `json:"table"`
	Row      uuid.UUID `json:"row"`
	Column   string    `json:"column"`
	Role     string    `json:"role,omitempty"` // of a photo
	By       uuid.UUID `json:"by"`
	Device   uuid.UUID `json:"device"`
	Epoch    uuid.UUID `json:"epoch"`
	Seq      uint64    `json:"seq"`
	Wall     int64     `json:"wall"`
	Received int64     `json:"received"`
	Earliest int64     `json:"earliest"`
	Latest   int64     `json:"latest"`
}

// Attachment is one original file, or a preview of one.
type Attachment struct {
	Path    string   `json:"path"`
	SHA256  string   `json:"sha256"`
	Size    int64    `json:"size"`
	Type    string   `json:"type"`
	Purpose string   `json:"purpose"`
	Named   []Naming `json:"named_by"`
	Receipt string   `json:"receipt,omitempty"` // what the server signed when it had checked the bytes
	Damaged bool     `json:"damaged,omitempty"` // the storage no longer has the bytes that were recorded
}

// Absent is a file that a row names and the server has not got. One that it
// once had, and signed a receipt for, is Lost.
type Absent struct {
	SHA256  string   `json:"sha256"`
	Purpose string   `json:"purpose"`
	Named   []Naming `json:"named_by"`
	Lost    bool     `json:"lost,omitempty"`
	Receipt string   `json:"receipt,omitempty"`
}

// Outcome is what became of a change that was not plainly applied.
type Outcome struct {
	Place
	Code   string     `json:"code"`
	Reason string     `json:"reason,omitempty"`
	Case   *uuid.UUID `json:"case,omitempty"`
}

// Loser is a value that lost a merge, and by which rule (promise P5).
type Loser struct {
	Table  string    `json:"table"`
	Row    uuid.UUID `json:"row"`
	Column string    `json:"column"`
	Rule   string    `json:"rule"`
	Value  any       `json:"value"`
	By     uuid.UUID `json:"by"`
	Device uuid.UUID `json:"device"`
	Wall   int64     `json:"wall"`
}

// Case is a matter that a person decides, and the decision.
type Case struct {
	ID        uuid.UUID  `json:"id"`
	Kind      string     `json:"kind"`
	Table     string     `json:"table,omitempty"`
	Row       uuid.UUID  `json:"row"`
	Column    string     `json:"column,omitempty"`
	OpenedAt  int64      `json:"opened_at"`
	Open      bool       `json:"open"`
	Reason    string     `json:"reason,omitempty"`
	Detail    string     `json:"detail,omitempty"`
	Standing  *Side      `json:"standing,omitempty"`
	Other     *Side      `json:"other,omitempty"`
	Verdict   string     `json:"verdict,omitempty"`
	DecidedBy *uuid.UUID `json:"decided_by,omitempty"`
	DecidedAt int64      `json:"decided_at,omitempty"`
	Why       string     `json:"why,omitempty"`
}

// Side is one of the two values of a case.
type Side struct {
	Value    any       `json:"value"`
	By       uuid.UUID `json:"by"`
	Device   uuid.UUID `json:"device"`
	Wall     int64     `json:"wall"`
	Received int64     `json:"received"`
}

// File is an entry of the zip.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// seal is what the server signs over a manifest.
type seal struct {
	Evidence string    `json:"evidence"`
	SHA256   string    `json:"manifest_sha256"`
	Size     int64     `json:"manifest_size"`
	Job      uuid.UUID `json:"job"`
	At       int64     `json:"at"`
}

// Fingerprint is a public key as people note it on paper: its SHA-256 in
// groups of four hex digits.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	h := hex.EncodeToString(sum[:])
	groups := make([]string, 0, len(h)/4)
	for i := 0; i < len(h); i += 4 {
		groups = append(groups, h[i:i+4])
	}
	return strings.Join(groups, " ")
}

// ParseFingerprint reads what somebody typed: 64 hex digits, blanks, colons
// and dashes anywhere.
func ParseFingerprint(s string) ([32]byte, error) {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "", "-", "").Replace(strings.ToLower(strings.TrimSpace(s))))
	if err != nil || len(b) != 32 {
		return [32]byte{}, fmt.Errorf("%q is no fingerprint: want 64 hex digits", s)
	}
	return [32]byte(b), nil
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
