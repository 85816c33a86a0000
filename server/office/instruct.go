package office

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Instruction is what a supervisor asks of one phone: to send a log again from
// a number, to show a message, or to wipe itself once everything is sent.
type Instruction struct {
	Device uuid.UUID
	Kind   string    // syncproto.KindResend, KindMessage or KindWipe
	Epoch  uuid.UUID // of a re-send: which log; uuid.Nil for the one it writes now
	From   uint64    // of a re-send: the first number, at least 1
	To     uint64    // of a re-send: the last number; 0 for all that follow
	Text   string    // of a message
}

// Instruct leaves an instruction for one phone of the supervisor's own centre.
// It is given at the phone's next contact, and acknowledged. A phone that was
// signed out gets none.
func (o *Office) Instruct(ctx context.Context, who Who, in Instruction) error {
	if who.Role != schema.Supervisor {
		return fault.New(syncproto.Forbidden, "device.supervisor-only")
	}
	row, ok, err := o.reader.StateRow(ctx, who.Centre, "device", in.Device)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	if row.Int("revoked_at") > 0 {
		return fault.New(fault.Invalid, "device.revoked")
	}
	args := map[string]any{}
	switch in.Kind {
	case syncproto.KindResend:
		if in.From < 1 || in.From > 1<<53 {
			return fault.New(fault.Invalid, "device.from-bad")
		}
		if in.To != 0 && (in.To < in.From || in.To > 1<<53) {
			return fault.New(fault.Invalid, "device.to-bad")
		}
		args["from"] = in.From
		if in.To != 0 {
			args["to"] = in.To
		}
		if in.Epoch != uuid.Nil {
			args["epoch"] = in.Epoch
		}
	case syncproto.KindMessage:
		text := strings.TrimSpace(in.Text)
		if text == "" || len(text) > 1000 {
			return fault.New(fault.Invalid, "device.text")
		}
		args["text"] = text
	case syncproto.KindWipe:
	default:
		return fault.New(fault.Invalid, "device.text")
	}
	text, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("instruct phone %s: %w", in.Device, err)
	}
	person := row.UUID("person")
	return o.write(ctx, who, "instruct", []ledger.Edit{{Table: "instruction", Row: o.newID(), Op: changelog.Insert, Cols: map[string]any{
		"person": person[:], "device": in.Device[:], "kind": in.Kind, "args": string(text), "at": o.now().UnixMilli(),
	}}})
}
