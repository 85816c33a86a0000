package main

import (
	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// change names one change of a log.
type change struct {
	epoch uuid.UUID
	seq   uint64
}

// order is an instruction: given until it is acknowledged, and more times after
// that.
type order struct {
	id   uuid.UUID
	kind string
	args map[string]any
	more int
}

// takes says whether a change takes effect; one that does not has an outcome.
func (s *play) takes(at change, b []byte) bool {
	ch, err := s.codec.Decode(b)
	if err != nil {
		return true // the look at the batch has said so
	}
	if ch.Table == "instruction_ack" {
		id, _ := ch.Cols["instruction"].([]byte)
		state, _ := ch.Cols["state"].(string)
		if len(id) != 16 || state == "" || ch.Op != changelog.Insert {
			s.wrong("an acknowledgement without instruction or state")
			return true
		}
		if s.acks[uuid.UUID(id)] != "" {
			s.wrong("an instruction was acknowledged twice")
		}
		s.acks[uuid.UUID(id)] = state
	}
	if s.judge == nil {
		return true
	}
	o := s.judge(ch)
	if o == nil {
		return true
	}
	o.Seq = at.seq
	s.outcomes[at] = *o
	return o.Code != syncproto.Held && o.Code != syncproto.Denied
}

// given are the instructions of a last page.
func (s *play) given() []any {
	out := []any{}
	for i := range s.orders {
		o := &s.orders[i]
		if s.acks[o.id] != "" {
			if o.more == 0 {
				continue
			}
			o.more--
		}
		out = append(out, map[string]any{"id": o.id[:], "kind": o.kind, "args": o.args})
	}
	return out
}
