package reconcile

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// KindFork is the kind of an instruction row that is none: the server's own
// entry that a log was found forked. It is withdrawn from the start, so that no
// phone is given it, and only the server may make one.
const KindFork = "fork"

// ForkView is what the server knows of a log that continued in two ways: what
// both share, and the batch that it set aside first.
type ForkView struct {
	Device  uuid.UUID `json:"device"`
	Epoch   uuid.UUID `json:"epoch"`
	Common  uint64    `json:"common"` // last number that both share, as far as the server can tell
	Acked   uint64    `json:"acked"`  // what the server had of the log
	First   uint64    `json:"first"`  // numbers of the batch that was set aside
	Changes int       `json:"changes"`
	At      int64     `json:"at"`
	Entries int       `json:"entries"` // how often the server has noted it
}

// ForkCase is the id of the one case of a forked log.
func ForkCase(log LogID) uuid.UUID { return derivedID("fork", log, 0, "") }

// ForkEntry is the row by which the server's log says that a log is forked.
func ForkEntry(person uuid.UUID, v ForkView) (map[string]any, error) {
	args, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("note a fork: %w", err)
	}
	cols := map[string]any{"person": person[:], "device": v.Device[:], "kind": KindFork, "args": string(args), "at": v.At, "withdrawn": true}
	return cols, nil
}

func forkOf(entry *Row) (ForkView, error) {
	var v ForkView
	if err := json.Unmarshal([]byte(entry.Text("args")), &v); err != nil {
		return v, fmt.Errorf("the entry of a fork cannot be read: %w", err)
	}
	return v, nil
}

// fork opens the case that the server's entry asks for, or moves its common
// number down where a later search went lower.
func (w *work) fork(c *Case, entry *Row, v ForkView) {
	if c != nil && (c.Decided || c.Sides.Fork == nil) {
		return
	}
	if c == nil {
		c = &Case{ID: ForkCase(LogID{v.Device, v.Epoch}), Kind: CaseFork, Root: entry.UUID("person"), OpenedAt: w.unit.Received, Rev: w.rev,
			Sides: Sides{Reason: "fork", Proposal: "accept", Fork: &v}}
	} else {
		c.Sides.Fork.Common = min(c.Sides.Fork.Common, v.Common)
	}
	c.Sides.Fork.Entries++
	w.effects.Cases = append(w.effects.Cases, *c)
}

// isFork says that a new row is the server's entry of a fork.
func (w *work) isFork(r *Row) bool {
	return w.roleOf == schema.Server && r.Text("kind") == KindFork && r.Bool("withdrawn")
}
