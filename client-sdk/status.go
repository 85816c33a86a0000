package clientsdk

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"siteledger/client-sdk/attachment"
	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
)

// Status is the truth about the sync, for the strip on every page. LastSuccess
// is the last round that did all of its work, never an attempt.
func (c *Client) Status(ctx context.Context) (Status, error) {
	st := Status{Syncing: c.busy.Load(), FreeBytes: -1, Metered: c.cfg.Metered()}
	if id, err := c.enrolled(); err == nil {
		st.Enrolled, st.Identity = true, id.Identity
	}
	if free, err := c.blobs.FreeBytes(); err == nil {
		st.FreeBytes = free
	}
	var state outbox.State
	err := c.read(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if st.Pending, st.Held, err = c.out.Counts(ctx, tx); err != nil {
			return err
		}
		if st.ReceiptsLeft, err = c.out.ReceiptsLeft(ctx, tx); err != nil {
			return err
		}
		if _, st.ClockOffset, err = c.out.ServerTime(ctx, tx); err != nil {
			return err
		}
		rule, err := c.blobs.Rule(ctx, tx)
		if err != nil {
			return err
		}
		st.UploadRule = UploadRule(rule)
		blobs, err := c.blobs.List(ctx, tx)
		if err != nil {
			return err
		}
		for _, b := range blobs {
			st.Uploads = append(st.Uploads, upload(b, rule.Largest(st.Metered)))
			switch {
			case b.Purpose == syncproto.PurposePreview || b.State == attachment.Verified:
			case b.State == attachment.Stored:
				st.Unattached++
			default:
				st.OnlyHere++
			}
		}
		if state, err = c.out.LoadState(ctx, tx); err != nil {
			return err
		}
		var success, attempt int64
		if err := tx.QueryRowContext(ctx, `SELECT last_success, last_attempt FROM sync_state WHERE id = 1`).Scan(&success, &attempt); err != nil {
			return fmt.Errorf("sync state: %w", err)
		}
		st.LastSuccess, st.LastAttempt = moment(success), moment(attempt)
		return nil
	})
	if err != nil {
		return Status{}, err
	}
	if state.Phase != outbox.Ready {
		st.NextTry = state.NextAt
		st.Problem = problemOf(state)
		if id := c.failed.Load(); id != nil {
			st.Problem.Request = *id
		}
	}
	return st, nil
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// problemOf gives the sentence of a state that waits.
func problemOf(s outbox.State) Problem {
	p := func(code Code, zh, en string) Problem { return Problem{Code: code, ZH: zh, EN: en} }
	switch {
	case s.Phase == outbox.SignIn:
		return p(CodeSignIn, ErrSignIn.ZH, ErrSignIn.EN)
	case s.Phase == outbox.Revoked:
		return p(CodeRevoked, "这台手机已被停用,请联系服务中心。未上传的记录还在手机里。", "This phone was revoked. Call the service centre; what was not sent is still on the phone.")
	}
	switch outbox.Event(s.Code) {
	case outbox.NoAnswer:
		return p(CodeOffline, "连不上服务器,记录和照片都在手机里,稍后自动重试。", "The server did not answer. Everything is safe on the phone, which tries again by itself.")
	case outbox.Foreign:
		return p(CodeNotOurServer, "收到的不是服务器的答复,可能是 Wi-Fi 需要登录。", "Something else than our server answered; perhaps the Wi-Fi wants a sign-in.")
	case outbox.Busy:
		return p(CodeBusy, "服务器忙,稍后自动重试。", "The server is busy. The phone tries again by itself.")
	}
	return p(CodeRefused, "服务器没有接受,记录都在手机里,稍后自动重试。", "The server did not accept it. Everything is safe on the phone, which tries again by itself.")
}

// Unsent lists the work that the server does not have for sure: changes that it
// has not acknowledged, and photos named by a row without its receipt.
func (c *Client) Unsent(ctx context.Context) ([]UnsentItem, error) {
	var out []UnsentItem
	err := c.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		changes, err := c.out.Unsent(ctx, tx)
		if err != nil {
			return err
		}
		for _, w := range changes {
			out = append(out, UnsentItem{Kind: "change", Table: w.Table, Row: w.Row, Root: w.Root, Op: opName(int(w.Op)), At: w.At, State: "pending"})
		}
		blobs, err := c.blobs.Unsent(ctx, tx)
		if err != nil {
			return err
		}
		for _, b := range blobs {
			if b.State != attachment.Stored { // no record names it
				out = append(out, UnsentItem{Kind: "photo", SHA256: b.SHA256, Purpose: b.Purpose, Size: b.Size, At: b.Added, State: string(b.State), Reason: b.Reason})
			}
		}
		return nil
	})
	return out, err
}

func opName(op int) string { return []string{"", "insert", "update", "delete"}[op&3] }
