package clientsdk

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// answer is what this phone says to an instruction.
type answer struct {
	id    uuid.UUID
	state string
}

// States of an instruction.
const (
	InstructionReceived = "received" // a person, or a later round, does it
	InstructionDone     = "done"
	InstructionUnknown  = "unknown" // this version of the app does not know it
)

// obey carries out the instructions that are new, and says what to answer. One
// that was answered before is not answered again: its acknowledgement is on its
// way.
func (c *Client) obey(ctx context.Context, tx *sql.Tx, staged []syncproto.Instruction) (outbox.Effect, []answer, error) {
	var all outbox.Effect
	var fresh []answer
	for _, in := range staged {
		args, err := json.Marshal(in.Args)
		if err != nil {
			return all, nil, fmt.Errorf("instruction: %w", err)
		}
		eff, state, err := c.carryOut(ctx, tx, in)
		if err != nil {
			return all, nil, fmt.Errorf("instruction %s: %w", in.Kind, err)
		}
		all.Rows = append(all.Rows, eff.Rows...) // also of one that came before: what it did may have been undone since
		res, err := tx.ExecContext(ctx, `INSERT INTO instruction (id, kind, args, at, state) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			in.ID[:], in.Kind, string(args), c.cfg.Now().UnixMilli(), state)
		if err != nil {
			return all, nil, fmt.Errorf("instruction: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			if err != nil {
				return all, nil, err
			}
			continue
		}
		all.Denied = append(all.Denied, eff.Denied...)
		fresh = append(fresh, answer{in.ID, state})
		if text, ok := in.Args["text"].(string); ok && (in.Kind == syncproto.KindMessage || in.Kind == syncproto.KindRetake) {
			kind, about := in.Kind, outbox.Key{}
			if isQuestion(in) {
				kind, about = NoticeQuestion, outbox.Key{Table: "instruction", Row: in.ID}
			}
			if err := c.notice(ctx, tx, kind, about, "", text); err != nil {
				return all, nil, err
			}
		}
	}
	return all, fresh, nil
}

// carryOut does what an instruction asks. Doing it again changes nothing, and
// arguments that make no sense change nothing either.
func (c *Client) carryOut(ctx context.Context, tx *sql.Tx, in syncproto.Instruction) (eff outbox.Effect, state string, err error) {
	switch in.Kind {
	case syncproto.KindDecided:
		epoch, ok := idArg(in.Args, "epoch")
		seq, ok2 := numberArg(in.Args, "seq")
		if ok && ok2 {
			verdict, _ := in.Args["verdict"].(string)
			reason, _ := in.Args["reason"].(string)
			again, _ := idArg(in.Args, "case")
			eff, err = c.out.Decided(ctx, tx, epoch, seq, verdict, outbox.Again{Case: again, Reason: reason})
		}
		return eff, InstructionDone, err
	case syncproto.KindResend:
		epoch, ok := idArg(in.Args, "epoch")
		from, _ := numberArg(in.Args, "from")
		if !ok {
			if epoch, err = c.out.Epoch(ctx, tx); err != nil {
				return eff, "", err
			}
		}
		return eff, InstructionDone, c.out.Resend(ctx, tx, epoch, from)
	case syncproto.KindUpload:
		text, _ := in.Args["sha256"].(string)
		if sha, err := hex.DecodeString(text); err == nil && len(sha) == 32 {
			_, err = c.blobs.Urgent(ctx, tx, sha)
			return eff, InstructionReceived, err
		}
		return eff, InstructionUnknown, nil
	case syncproto.KindRetake, syncproto.KindMessage, syncproto.KindWipe:
		return eff, InstructionReceived, nil
	}
	return eff, InstructionUnknown, nil
}

func idArg(args map[string]any, name string) (uuid.UUID, bool) {
	text, _ := args[name].(string)
	id, err := uuid.Parse(text)
	return id, err == nil
}

func numberArg(args map[string]any, name string) (uint64, bool) {
	n, ok := args[name].(float64) // JSON's only number
	return uint64(n), ok && n >= 0 && n < 1<<53 && n == float64(uint64(n))
}

// acknowledge records the answers as rows of instruction_ack, in the same
// transaction that took the instructions over.
func (c *Client) acknowledge(ctx context.Context, tx *sql.Tx, id *identity, answers []answer) error {
	if len(answers) == 0 {
		return nil
	}
	entries := make([]outbox.Entry, len(answers))
	for i, a := range answers {
		row, err := c.newID()
		if err != nil {
			return err
		}
		cols := map[string]schema.Value{"instruction": a.id[:], "state": a.state}
		if _, err := c.rep.Insert(ctx, tx, "instruction_ack", row, id.Person, cols); err != nil {
			return err
		}
		entries[i] = outbox.Entry{Table: "instruction_ack", Row: row, Root: id.Person, Op: changelog.Insert, Cols: cols}
	}
	return c.out.Append(ctx, tx, id.author(), c.stamp(), c.schema.Version, entries)
}

// Instructions lists what the office asked of this phone, newest first.
func (c *Client) Instructions(ctx context.Context) ([]Instruction, error) {
	var out []Instruction
	err := c.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, kind, args, at, state FROM instruction ORDER BY id DESC`)
		if err != nil {
			return fmt.Errorf("instructions: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var in Instruction
			var args string
			var at int64
			if err := rows.Scan(&in.ID, &in.Kind, &args, &at, &in.State); err != nil {
				return fmt.Errorf("instructions: %w", err)
			}
			in.At = time.UnixMilli(at)
			if err := json.Unmarshal([]byte(args), &in.Args); err != nil {
				return fmt.Errorf("instructions: %w", err)
			}
			out = append(out, in)
		}
		return rows.Err()
	})
	return out, err
}

// Notices lists what the technician should read, newest first.
func (c *Client) Notices(ctx context.Context) ([]Notice, error) {
	var out []Notice
	err := c.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, at, kind, tbl, row, reason, text, seen FROM notice ORDER BY id DESC LIMIT 500`)
		if err != nil {
			return fmt.Errorf("notices: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var n Notice
			var at int64
			var row []byte
			if err := rows.Scan(&n.ID, &at, &n.Kind, &n.Table, &row, &n.Reason, &n.Text, &n.Seen); err != nil {
				return fmt.Errorf("notices: %w", err)
			}
			n.At = time.UnixMilli(at)
			copy(n.Row[:], row)
			out = append(out, n)
		}
		return rows.Err()
	})
	return out, err
}

// Seen marks a notice as read. One that is not there is no error.
func (c *Client) Seen(ctx context.Context, id int64) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	err = c.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE notice SET seen = 1 WHERE id = $1`, id)
		return err
	})
	if err != nil {
		return explained(fmt.Errorf("notice: %w", err))
	}
	c.changed()
	return nil
}

// read runs fn on one snapshot of the phone's own books.
func (c *Client) read(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return explained(c.db.View(ctx, func(tx *sql.Tx) error { return fn(ctx, tx) }))
}
