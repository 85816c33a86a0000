package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// kept is what one phone remembers of a server until the kit comes again.
type kept struct {
	Seed   []byte
	Answer syncproto.EnrolAnswer
	Epoch  uuid.UUID
	Seq    uint64
	Head   []byte
	HLC    uint64
	Row    uuid.UUID // of the last change
	Cursor string
}

// keep writes to a file what a phone has once it is in step.
func (s *site) keep(ctx context.Context, file string) error {
	d := s.main
	if s.hasOther() == nil {
		d = s.other // the first one may have been revoked
	}
	last := day("这之后服务器换了历史")
	if _, err := d.write(ctx, last); err != nil {
		return fmt.Errorf("keep a phone: %w", err)
	}
	p, err := d.pullAll(ctx, "", 1000)
	if err != nil {
		return fmt.Errorf("keep a phone: %w", err)
	}
	b, err := json.Marshal(kept{Seed: d.key.Seed(), Answer: d.answer, Epoch: d.epoch, Seq: d.seq, Head: d.head[:], HLC: d.hlc, Row: last.row, Cursor: p.Next})
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

// back is a phone that comes back to a server that has another history.
type back struct {
	*device
	kept
	patience time.Duration
}

// checkAgain runs the checks of a server that was restored since the file was
// kept.
func checkAgain(ctx context.Context, o options) ([]row, error) {
	b, err := os.ReadFile(o.again)
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil || len(k.Seed) != ed25519.SeedSize || len(k.Head) != len(changelog.Hash{}) {
		return nil, fmt.Errorf("%s was not written by -keep: %w", o.again, err)
	}
	c, err := newCaller(o.server)
	if err != nil {
		return nil, err
	}
	d, err := newDevice(c)
	if err != nil {
		return nil, err
	}
	d.key, d.answer, d.epoch, d.seq, d.head, d.hlc = ed25519.NewKeyFromSeed(k.Seed), k.Answer, k.Epoch, k.Seq, changelog.Hash(k.Head), k.HLC
	d.learn(k.Answer.ServerKeys)
	p := &back{device: d, kept: k, patience: o.patience}
	return judge(ctx, []check{
		{"8", "P11", "a refresh token from before the restore still works", p.renew},
		{"6", "P11", "a cursor of another history: 409 history-changed with the new one; without a cursor all rows come", p.oldCursor},
		{"4", "P11", "a push with the old history: 409 history-changed, nothing applied; with the new one it goes through", p.oldHistory},
		{"8", "P1", "an access token past its time: 401 token-expired on each call; refreshed, the same push goes through", p.expire},
	}), nil
}

// renew gets the next tokens.
func (p *back) renew(ctx context.Context) error {
	got, a, err := p.refresh(ctx, p.answer.RefreshToken)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK || got.AccessToken == "" || got.RefreshToken == "" {
		return differs("200 with tokens", a)
	}
	p.answer.AccessToken, p.answer.RefreshToken, p.answer.ExpiresIn = got.AccessToken, got.RefreshToken, got.ExpiresIn
	return nil
}

func (p *back) oldCursor(ctx context.Context) error {
	if err := p.renew(ctx); err != nil {
		return err
	}
	_, a, err := p.pull(ctx, p.Cursor, 1000)
	if err != nil {
		return err
	}
	if a.status == http.StatusOK {
		return differs("409 history-changed", a)
	}
	if err := a.refused(syncproto.HistoryChanged); err != nil {
		return err
	}
	if id, err := uuid.Parse(a.problem.History); err != nil || id == p.kept.Answer.History {
		return differs("another history than "+p.kept.Answer.History.String(), a.problem.History)
	}
	all, err := p.pullAll(ctx, "", 1000)
	if err != nil {
		return err
	}
	if all.History.String() != a.problem.History || !slices.ContainsFunc(all.Rows, func(r pageRow) bool { return r.Row == p.Row }) {
		return differs("the rows of history "+a.problem.History, fmt.Sprintf("%d rows of history %s", len(all.Rows), all.History))
	}
	return nil
}

func (p *back) oldHistory(ctx context.Context) error {
	if err := p.renew(ctx); err != nil {
		return err
	}
	changes, err := p.singles(p.seq+1, day("按旧的历史推送"))
	if err != nil {
		return err
	}
	_, a, err := p.push(ctx, p.batch(p.seq+1, p.head, changes...))
	if err != nil {
		return err
	}
	if err := a.refused(syncproto.HistoryChanged); err != nil {
		return err
	}
	id, err := uuid.Parse(a.problem.History)
	if err != nil || id == p.kept.Answer.History || a.problem.Acked == nil || *a.problem.Acked != p.seq {
		return differs(fmt.Sprintf("a new history, acked %d", p.seq), fmt.Sprintf("%s, history %s", a, a.problem.History))
	}
	p.answer.History = id
	_, err = p.sound(ctx, changes...)
	return err
}

func (p *back) expire(ctx context.Context) error {
	if err := p.renew(ctx); err != nil {
		return err
	}
	lives := time.Duration(p.answer.ExpiresIn) * time.Second
	if lives > p.patience {
		return absent(fmt.Sprintf("needs a server whose access tokens live at most %s (-patience), not %s", p.patience, lives))
	}
	changes, err := p.singles(p.seq+1, day("令牌过期之后"))
	if err != nil {
		return err
	}
	request := p.batch(p.seq+1, p.head, changes...)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(lives + 2*time.Second):
	}
	_, a, err := p.push(ctx, request)
	if err != nil {
		return err
	}
	if err := a.refused(syncproto.TokenExpired); err != nil {
		return err
	}
	for _, c := range []struct{ method, path string }{{"GET", syncproto.PathPull}, {"POST", syncproto.PathRepair}, {"POST", syncproto.PathReceipts}, {"POST", syncproto.PathBlobPlan}} {
		if a, err = p.call(ctx, c.method, c.path, p.answer.AccessToken, nil); err != nil {
			return err
		}
		if err := a.refused(syncproto.TokenExpired); err != nil {
			return fmt.Errorf("%s: %w", c.path, err)
		}
	}
	if err := p.renew(ctx); err != nil {
		return err
	}
	got, a, err := p.push(ctx, request)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK || got.Acked != p.seq+1 {
		return differs(fmt.Sprintf("200, acked %d", p.seq+1), fmt.Sprintf("%s, acked %d", a, got.Acked))
	}
	return nil
}
