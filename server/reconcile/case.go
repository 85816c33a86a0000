package reconcile

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Kinds of cases.
const (
	CaseHeld     = "held"     // a change that cannot be applied as it is
	CaseConflict = "conflict" // two values, a person decides
	CaseMerged   = "merged"   // settled by a rule, worth a look
	CaseHandover = "handover" // work of an installer who is no longer on the job
	CaseFork     = "fork"     // a log that continued in two ways
	CaseReceipt  = "receipt"  // a receipt number used twice or out of range
)

// Case is a matter for a person.
type Case struct {
	ID       uuid.UUID
	Kind     string
	Root     uuid.UUID
	Table    string
	Row      uuid.UUID
	Column   string
	Blocking bool // the job is not complete while it is open
	OpenedAt int64
	Rev      uint64
	Sides    Sides

	Decided   bool
	Verdict   string
	DecidedBy uuid.UUID
	DecidedAt int64
	Reason    string
}

// Sides is what a person sees of a case, stored as JSON.
type Sides struct {
	Rule     schema.Rule  `json:"rule,omitempty"`
	Column   string       `json:"column,omitempty"`
	Standing *SideView    `json:"standing,omitempty"`
	Other    *SideView    `json:"other,omitempty"`
	Proposal string       `json:"proposal,omitempty"` // standing or other
	Was      any          `json:"was,omitempty"`      // what the loser's writer saw before
	Reason   string       `json:"reason,omitempty"`   // of a held change
	Detail   string       `json:"detail,omitempty"`   // the broken rule in words
	Changes  []ChangeView `json:"changes,omitempty"`  // of a held transaction
	Clock    *ClockView   `json:"clock,omitempty"`    // of a doubtful clock
	Fork     *ForkView    `json:"fork,omitempty"`     // of a forked log
}

// SideView is one of two values with who and when.
type SideView struct {
	Value    any         `json:"value"`
	Actor    uuid.UUID   `json:"actor"`
	Role     schema.Role `json:"role"`
	Device   uuid.UUID   `json:"device"`
	Epoch    uuid.UUID   `json:"epoch"`
	Seq      uint64      `json:"seq"`
	Wall     int64       `json:"wall"`
	Received int64       `json:"received"`
	HLC      uint64      `json:"hlc"`
	Office   bool        `json:"office"`
}

// ChangeView is a held change in words.
type ChangeView struct {
	Seq    uint64         `json:"seq"`
	Table  string         `json:"table"`
	Row    uuid.UUID      `json:"row"`
	Op     uint8          `json:"op"`
	Cols   map[string]any `json:"cols"`
	Was    map[string]any `json:"was,omitempty"`
	Actor  uuid.UUID      `json:"actor"`
	Wall   int64          `json:"wall"`
	Reason string         `json:"reason"`
}

// JSON gives the stored form.
func (s Sides) JSON() (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

// JSONValue turns a cell into what JSON can hold: uuids as text, hashes as
// hex, other bytes as base64. A held change may carry anything that CBOR can
// say where a cell belongs: a map's keys become text.
func JSONValue(c *schema.Column, v schema.Value) any {
	switch x := v.(type) {
	case map[any]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[fmt.Sprint(k)] = JSONValue(nil, e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = JSONValue(nil, e)
		}
		return out
	}
	b, ok := v.([]byte)
	if !ok {
		return v
	}
	if c != nil && c.Type == schema.UUID && len(b) == 16 {
		return uuid.UUID(b).String()
	}
	if c != nil && c.Type == schema.Blob {
		return hex.EncodeToString(b)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func jsonCols(t *schema.Table, m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		var c *schema.Column
		if t != nil {
			c = t.Column(k)
		}
		if n, ok := v.(uint64); ok {
			v = float64(n)
		}
		out[k] = JSONValue(c, v)
	}
	return out
}

func view(c *schema.Column, v schema.Value, s Stamp) *SideView {
	return &SideView{Value: JSONValue(c, v), Actor: s.Actor, Role: s.Role, Device: s.Log.Device, Epoch: s.Log.Epoch,
		Seq: s.Seq, Wall: s.Wall, Received: s.Received, HLC: s.HLC, Office: s.Office}
}

// derivedID makes an id that a rebuild makes again: version 8 of a UUID over
// a hash of its origin.
func derivedID(what string, log LogID, seq uint64, more string) uuid.UUID {
	h := sha256.New()
	h.Write([]byte(what))
	h.Write(log.Device[:])
	h.Write(log.Epoch[:])
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], seq)
	h.Write(n[:])
	h.Write([]byte(more))
	id := uuid.UUID(h.Sum(nil)[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}
