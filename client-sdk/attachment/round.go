package attachment

import (
	"context"
	"database/sql"
	"errors"

	"siteledger/client-sdk/serverkey"
	"siteledger/client-sdk/transport"
)

// Result is what one round of uploads did.
type Result struct {
	Verified int
	Waiting  int // photos that are not verified yet
	// UnknownKey says that a receipt was signed with a key that comes with the
	// next access token.
	UnknownKey bool
}

const (
	// planSize is how many photos are planned at once: their addresses live 15
	// minutes, on any network.
	planSize = 8
	// breaks is how many photos in a row may fail for lack of a network before
	// the round ends: a large photo that never gets through must not keep the
	// small ones back, a dead network must not be tried a hundred times.
	breaks = 3
)

// errWaits: the rule keeps this photo off the present network.
var errWaits = errors.New("it waits for a network that costs nothing")

// round is one round of uploads under way.
type round struct {
	*Uploader
	res    Result
	width  int // how many may go at once just now
	broken int // failures of the network in a row
	tried  map[[32]byte]bool
}

// Round sends every queued photo whose timer is due and that may go over the
// present network: previews first, then signatures and papers, then originals. It
// returns an error only where the network or the server is the reason for all of
// them; what is wrong with one photo is written down beside it.
//
// One photo goes alone at first, so that the office has the first preview as
// soon as it can. Each that gets through lets one more go beside the next, up to
// AtOnce; a network that breaks makes them go one by one again.
func (u *Uploader) Round(ctx context.Context) (Result, error) {
	r := &round{Uploader: u, width: 1, tried: map[[32]byte]bool{}}
	for {
		batch, err := r.due(ctx)
		if err != nil || len(batch) == 0 {
			return r.finish(ctx, err)
		}
		for _, b := range batch {
			r.tried[b.SHA256] = true
		}
		plans, err := r.plan(ctx, batch)
		if err != nil {
			return r.finish(ctx, err)
		}
		if err := r.follow(ctx, plans); err != nil {
			return r.finish(ctx, err)
		}
	}
}

// follow takes planned photos to their receipts. An original does not begin
// while something small is on its way. What has begun is waited for.
func (r *round) follow(ctx context.Context, plans []planned) error {
	var stop error
	ended := make(chan error, len(plans))
	running, small := 0, false
	for {
		for stop == nil && len(plans) > 0 && running < r.width && (running == 0 || small == always(plans[0].blob.Purpose)) {
			p := plans[0]
			plans, small = plans[1:], always(p.blob.Purpose)
			running++
			if r.AtOnce <= 1 {
				ended <- r.one(ctx, p)
			} else {
				go func() { ended <- r.one(ctx, p) }()
			}
		}
		if running == 0 {
			return stop
		}
		err := r.book(ctx, <-ended)
		running--
		if stop == nil {
			stop = err
		}
	}
}

// book counts what became of one photo; an error ends the round.
func (r *round) book(ctx context.Context, err error) error {
	if errors.Is(err, serverkey.ErrUnknownKey) {
		r.res.UnknownKey = true
	}
	switch {
	case err == nil:
		r.res.Verified++
		r.broken = 0
		r.width = max(1, min(r.width+1, r.AtOnce))
	case ctx.Err() != nil:
		return ctx.Err()
	case common(err):
		r.width = 1
		if r.broken++; r.broken >= breaks {
			return err
		}
	}
	return nil
}

// common says whether a failure may be the network's or the server's, and not
// the photo's own.
func common(err error) bool {
	if errors.Is(err, transport.ErrUnreachable) || errors.Is(err, transport.ErrForeign) {
		return true
	}
	p, ok := transport.ProblemOf(err)
	return ok && (p.Status == 401 || p.Status == 403 || p.Status == 429 || p.Status >= 500)
}

func (r *round) finish(ctx context.Context, err error) (Result, error) {
	count := r.Store.db.View(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM blob WHERE state IN ('queued', 'uploading', 'attention')`).Scan(&r.res.Waiting)
	})
	return r.res, errors.Join(err, count)
}

// due reads the photos to send next that were not tried in this round.
func (r *round) due(ctx context.Context) ([]Blob, error) {
	largest, err := r.Largest(ctx)
	if err != nil {
		return nil, err
	}
	now := r.Store.now()
	var out []Blob
	err = r.Store.db.View(ctx, func(tx *sql.Tx) error {
		// A timer further ahead than any wait means that the clock went back.
		all, err := list(ctx, tx, `
			SELECT `+blobColumns+`
			FROM blob
			WHERE `+mayGo+` AND state IN ('queued', 'uploading', 'attention') AND local = 1
				AND (next_at <= $2 OR next_at > $3)
			ORDER BY place, added_at, sha256`, largest, now.UnixMilli(), now.Add(maxWait).UnixMilli())
		if err != nil {
			return err
		}
		for _, b := range all {
			if !r.tried[b.SHA256] && len(out) < planSize {
				out = append(out, b)
			}
		}
		return nil
	})
	return out, err
}
