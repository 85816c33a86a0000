package clientsdk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"siteledger/syncproto"
)

// SignOut forgets the person and removes all of his data from this phone. With
// unsent work it is refused ([ErrUnsent]; [Client.Unsent] lists it), unless a
// supervisor's code permits it: then the log and the photos are first put aside
// in the folder "rescue", from which they can be brought to the server by hand.
func (c *Client) SignOut(ctx context.Context, supervisorCode string) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	id, err := c.enrolled()
	if err != nil {
		return err
	}
	unsent, err := c.Unsent(ctx)
	if err != nil {
		return err
	}
	if len(unsent) > 0 {
		if err := c.permitted(ctx, id, supervisorCode); err != nil {
			return err
		}
		if err := c.putAside(ctx); err != nil {
			return explained(err)
		}
	}
	if err := c.wipe(ctx); err != nil {
		return explained(err)
	}
	c.changed()
	return nil
}

func (c *Client) permitted(ctx context.Context, id *identity, code string) error {
	if code == "" {
		return ErrUnsent
	}
	keys, err := c.keys(ctx)
	if err != nil {
		return explained(err)
	}
	var p syncproto.Permit
	if err := keys.Open(code, &p); err != nil || p.Device != id.Device || p.Allow != syncproto.PermitSignOut {
		return &Error{Code: CodeUnsent, ZH: "主管授权码不对,不能退出,未上传的工作还在。", EN: "The supervisor's code is not valid, so signing out is refused. The unsent work is still here.", Err: err}
	}
	return nil
}

// putAside keeps a copy of the database file and of the photos, for a rescue.
func (c *Client) putAside(ctx context.Context) error {
	folder := filepath.Join(c.cfg.Dir, "rescue", c.cfg.Now().UTC().Format("20060102T150405.000"))
	if err := c.blobs.CopyUnsent(ctx, filepath.Join(folder, photoFolder)); err != nil {
		return err
	}
	return c.db.CopyTo(ctx, filepath.Join(folder, databaseFile))
}

// wipe removes all rows in one transaction, and after it the key and the files.
// A crash in between is finished by the next Open.
func (c *Client) wipe(ctx context.Context) error {
	err := c.db.Update(ctx, func(tx *sql.Tx) error {
		tables, err := tablesOf(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if _, err := tx.ExecContext(ctx, `DELETE FROM "`+t+`"`); err != nil {
				return fmt.Errorf("wipe %s: %w", t, err)
			}
		}
		for _, q := range []string{
			`INSERT INTO wiping (id, at) VALUES (1, 0)`,
			`UPDATE clock SET hlc = 0, offset_ms = 0, server_time = 0`,
			`UPDATE feed SET cursor = '', staging = '', stage_cursor = '', repaired = 0`,
			`UPDATE sync_state SET phase = 'ready', attempts = 0, set_at = 0, next_at = 0, code = '', last_success = 0, last_attempt = 0`,
		} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return fmt.Errorf("wipe: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.id = nil
	c.mu.Unlock()
	return c.finishWipe(ctx)
}

// tablesOf lists the tables to empty: all but the single-row books and goose's.
func tablesOf(ctx context.Context, tx *sql.Tx) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT name
		FROM sqlite_master
		WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('goose_db_version', 'clock', 'feed', 'sync_state', 'wiping')
		ORDER BY name = 'epoch', name`) // what refers to epoch goes before it
	if err != nil {
		return nil, fmt.Errorf("tables: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("tables: %w", err)
		}
		out = append(out, name)
	}
	return out, rows.Err()
}

// finishWipe removes what belongs to a wiped identity: key, photos, and the
// bytes of deleted rows in the database file.
func (c *Client) finishWipe(ctx context.Context) error {
	var n int
	err := c.db.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM wiping`).Scan(&n)
	})
	if err != nil || n == 0 {
		return err
	}
	if err := errors.Join(c.cfg.Keys.Delete(keyName), c.blobs.Wipe(), c.db.Compact(ctx)); err != nil {
		return err
	}
	return c.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM wiping`)
		return err
	})
}

// wipeIfAsked carries out the office's instruction to wipe this phone, once
// nothing is unsent: not before.
func (c *Client) wipeIfAsked(ctx context.Context) error {
	var asked int
	err := c.db.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM instruction WHERE kind = $1`, syncproto.KindWipe).Scan(&asked)
	})
	if err != nil || asked == 0 {
		return err
	}
	unsent, err := c.Unsent(ctx)
	if err != nil || len(unsent) > 0 {
		return err
	}
	c.cfg.Log.Warn("wiping this phone, as the office asked")
	return c.wipe(ctx)
}
