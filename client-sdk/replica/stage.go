package replica

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// Kind is what staged pages belong to.
type Kind string

// The kinds of staging.
const (
	None   Kind = ""
	Pull   Kind = "pull"   // what changed behind the cursor
	Cold   Kind = "cold"   // everything: rows that it does not name are gone
	Fresh  Kind = "fresh"  // everything, on a phone that shows nothing yet: see fresh.go
	Repair Kind = "repair" // roots whose checksums differed; the cursor stays
)

// Where says which cursor the next pull sends, and what its pages are: staged
// pages of an interrupted pull are gone on with.
func (r *Replica) Where(ctx context.Context, tx *sql.Tx) (cursor string, kind Kind, err error) {
	var shown, staged string
	if err := tx.QueryRowContext(ctx, `SELECT cursor, staging, stage_cursor FROM feed WHERE id = 1`).Scan(&shown, &kind, &staged); err != nil {
		return "", None, fmt.Errorf("cursor: %w", err)
	}
	switch {
	case kind == Pull || kind == Cold || kind == Fresh:
		return staged, kind, nil
	case shown != "":
		return shown, Pull, nil
	}
	if empty, err := r.empty(ctx, tx); err != nil || !empty {
		return "", Cold, err
	}
	return "", Fresh, nil
}

// Void forgets the cursor and what is staged: the next pull gets everything.
// The rows that the app shows stay until then.
func (r *Replica) Void(ctx context.Context, tx *sql.Tx) error {
	if err := r.clearStage(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE feed SET cursor = ''`); err != nil {
		return fmt.Errorf("void the cursor: %w", err)
	}
	return nil
}

func (r *Replica) clearStage(ctx context.Context, tx *sql.Tx) error {
	fresh, err := filling(ctx, tx)
	if err != nil {
		return err
	}
	if fresh {
		if err := r.clear(ctx, tx); err != nil {
			return err
		}
	}
	return r.endStage(ctx, tx)
}

// endStage forgets what was staged.
func (r *Replica) endStage(ctx context.Context, tx *sql.Tx) error {
	for _, q := range []string{
		`DELETE FROM stage_row`, `DELETE FROM stage_removed`, `DELETE FROM stage_instruction`,
		`UPDATE feed SET staging = '', stage_cursor = ''`,
	} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("clear staged pages: %w", err)
		}
	}
	return nil
}

// Stage keeps a page without showing it, with the cursor behind it. In a page,
// and from page to page, what comes later stands: a removal takes back staged
// rows, a row that follows a removal is there again.
func (r *Replica) Stage(ctx context.Context, tx *sql.Tx, kind Kind, p *syncproto.Page) error {
	var now Kind
	if err := tx.QueryRowContext(ctx, `SELECT staging FROM feed WHERE id = 1`).Scan(&now); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if now != kind {
		if err := r.clearStage(ctx, tx); err != nil {
			return err
		}
	}
	place := r.stagePage
	if kind == Fresh {
		place = r.fill
	}
	if err := place(ctx, tx, p); err != nil {
		return err
	}
	for _, i := range p.Instructions {
		if err := stageInstruction(ctx, tx, i); err != nil {
			return fmt.Errorf("stage an instruction: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE feed SET staging = $1, stage_cursor = $2`, string(kind), p.Next); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	return nil
}

// stagePage keeps the rows and removals of a page aside.
func (r *Replica) stagePage(ctx context.Context, tx *sql.Tx, p *syncproto.Page) error {
	for _, gone := range p.Removed {
		if err := stageRemoved(ctx, tx, gone); err != nil {
			return fmt.Errorf("stage a removal: %w", err)
		}
	}
	for _, row := range p.Rows {
		cols, err := r.pack(row.Cols)
		if err != nil {
			return fmt.Errorf("stage %s: %w", row.Table, err)
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO stage_row (tbl, row, root, rev, cols)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (tbl, row) DO UPDATE
			SET root = excluded.root, rev = excluded.rev, cols = excluded.cols`, row.Table, row.ID[:], row.Root[:], int64(row.Rev), cols); err != nil {
			return fmt.Errorf("stage %s: %w", row.Table, err)
		}
	}
	return nil
}

func stageRemoved(ctx context.Context, tx *sql.Tx, gone syncproto.Removed) error {
	table, id, forget := "", gone.Root, `DELETE FROM stage_row WHERE $1 = '' AND root = $2`
	if gone.Row != nil {
		table, id, forget = gone.Table, gone.Row, `DELETE FROM stage_row WHERE tbl = $1 AND row = $2`
	}
	if _, err := tx.ExecContext(ctx, forget, table, id[:]); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO stage_removed (tbl, id, why)
		VALUES ($1, $2, $3)
		ON CONFLICT (tbl, id) DO UPDATE SET why = excluded.why`, table, id[:], gone.Why)
	return err
}

// stageInstruction keeps the arguments with the instruction's place in the feed:
// a decision and what became of it are obeyed in the order of their making,
// which their ids don't tell.
func stageInstruction(ctx context.Context, tx *sql.Tx, i syncproto.Instruction) error {
	args, err := json.Marshal(plain(i.Args))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO stage_instruction (id, kind, args)
		VALUES ($1, $2, '[' || (SELECT count(*) FROM stage_instruction) || ',' || $3 || ']')
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, args = excluded.args`, i.ID[:], i.Kind, string(args))
	return err
}

// plain writes ids of 16 bytes as text, so that arguments read the same whether
// they came as CBOR or as JSON.
func plain(args map[string]any) map[string]any {
	out := make(map[string]any, len(args))
	for name, v := range args {
		if b, ok := v.([]byte); ok {
			if id, err := uuid.FromBytes(b); err == nil {
				v = id.String()
			} else {
				v = fmt.Sprintf("%x", b)
			}
		}
		out[name] = v
	}
	return out
}

// Staged lists the instructions that came with the staged pages, in the order of
// the feed.
func (r *Replica) Staged(ctx context.Context, tx *sql.Tx) ([]syncproto.Instruction, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, kind, args FROM stage_instruction ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("staged instructions: %w", err)
	}
	defer rows.Close()
	var out []syncproto.Instruction
	var places []int
	for rows.Next() {
		var i syncproto.Instruction
		var args string
		if err := rows.Scan(&i.ID, &i.Kind, &args); err != nil {
			return nil, fmt.Errorf("staged instructions: %w", err)
		}
		place, err := unstage(args, &i.Args)
		if err != nil {
			return nil, fmt.Errorf("staged instructions: %w", err)
		}
		at, _ := slices.BinarySearch(places, place+1) // behind those of the same place
		places, out = slices.Insert(places, at, place), slices.Insert(out, at, i)
	}
	return out, rows.Err()
}

// unstage reads what stageInstruction kept; an app before that kept the
// arguments alone.
func unstage(text string, args *map[string]any) (place int, err error) {
	if !strings.HasPrefix(text, "[") {
		return 0, json.Unmarshal([]byte(text), args)
	}
	var parts [2]json.RawMessage
	if err := json.Unmarshal([]byte(text), &parts); err != nil {
		return 0, err
	}
	if err := json.Unmarshal(parts[0], &place); err != nil {
		return 0, err
	}
	return place, json.Unmarshal(parts[1], args)
}
