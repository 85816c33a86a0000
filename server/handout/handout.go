// Package handout is the customer's copy: a link that shows one visit to
// whoever has it, until it expires or somebody takes it back.
//
// A link's secret is 128 random bits; the store has its hash alone. The package
// must never tell an unknown link from an expired or revoked one, and never
// give more than the place of one visit: what a customer may see of it is the
// page's to choose.
package handout

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// Life is how long a link works.
const Life = 30 * 24 * time.Hour

// MaxLinks bounds a visit's links that work at one time.
const MaxLinks = 5

// Link is a link as it is kept. Times are Unix milliseconds.
type Link struct {
	ID                 uuid.UUID
	Centre, Job, Visit uuid.UUID
	MadeBy             uuid.UUID
	MadeAt, Until      int64
	RevokedAt          int64 // 0: not revoked
	Opened             int64 // how often
	OpenedAt           int64
}

// Works says whether the link shows anything at a time.
func (l Link) Works(now time.Time) bool { return l.RevokedAt == 0 && now.UnixMilli() < l.Until }

// Links keeps them; the store does.
type Links interface {
	AddLink(ctx context.Context, token [32]byte, l Link) error
	// LinkOf finds a link by its secret's hash; false for none.
	LinkOf(ctx context.Context, token [32]byte) (Link, bool, error)
	// LinksOf lists a visit's links, newest first.
	LinksOf(ctx context.Context, centre, visit uuid.UUID) ([]Link, error)
	// TouchLink notes an opening, or that the link was taken back. A link of
	// another centre is not found: false.
	TouchLink(ctx context.Context, centre, id uuid.UUID, opened, revoked int64) (bool, error)
}

// Desk makes and opens links. It is safe for concurrent use.
type Desk struct {
	links Links
	now   func() time.Time
	rand  io.Reader
	newID func() uuid.UUID

	mu    sync.Mutex
	tries map[string]*rate.Limiter
}

// New makes a desk.
func New(links Links, now func() time.Time, rand io.Reader, newID func() uuid.UUID) (*Desk, error) {
	if links == nil || now == nil || rand == nil || newID == nil {
		return nil, errors.New("handout: links, clock, randomness and ids are needed")
	}
	return &Desk{links: links, now: now, rand: rand, newID: newID, tries: map[string]*rate.Limiter{}}, nil
}

// Make makes a link to a visit, which the caller has found in the centre. The
// secret is given this once.
func (d *Desk) Make(ctx context.Context, by, centre, job, visit uuid.UUID) (string, Link, error) {
	old, err := d.links.LinksOf(ctx, centre, visit)
	if err != nil {
		return "", Link{}, err
	}
	now, working := d.now(), 0
	for _, l := range old {
		if l.Works(now) {
			working++
		}
	}
	if working >= MaxLinks {
		return "", Link{}, fault.New(fault.Invalid, fmt.Sprintf("这次上门已有 %d 个有效链接,请先撤销 · this visit has %d links that work; take one back first", working, working))
	}
	var secret [16]byte
	if _, err := io.ReadFull(d.rand, secret[:]); err != nil {
		return "", Link{}, fmt.Errorf("secret of a link: %w", err)
	}
	l := Link{ID: d.newID(), Centre: centre, Job: job, Visit: visit, MadeBy: by, MadeAt: now.UnixMilli(), Until: now.Add(Life).UnixMilli()}
	if err := d.links.AddLink(ctx, sha256.Sum256(secret[:]), l); err != nil {
		return "", Link{}, err
	}
	return base64.RawURLEncoding.EncodeToString(secret[:]), l, nil
}

// Open finds the visit of a link. Whatever is wrong with it, the answer is the
// same NotFound; too many tries from one address are TooMany.
func (d *Desk) Open(ctx context.Context, token, remote string) (Link, error) {
	if !d.allow(remote) {
		return Link{}, fault.New(fault.TooMany, "打开得太频繁,请稍后再试 · too many tries, please wait")
	}
	gone := fault.New(syncproto.NotFound, "链接无效或已过期 · this link does not work or has expired")
	secret, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(secret) != 16 {
		return Link{}, gone
	}
	l, ok, err := d.links.LinkOf(ctx, sha256.Sum256(secret))
	if err != nil {
		return Link{}, err
	}
	if !ok || !l.Works(d.now()) {
		return Link{}, gone
	}
	return l, nil
}

// Opened notes that a copy was shown.
func (d *Desk) Opened(ctx context.Context, l Link) error {
	_, err := d.links.TouchLink(ctx, l.Centre, l.ID, d.now().UnixMilli(), 0)
	return err
}

// Of lists a visit's links, newest first.
func (d *Desk) Of(ctx context.Context, centre, visit uuid.UUID) ([]Link, error) {
	return d.links.LinksOf(ctx, centre, visit)
}

// Revoke takes a link of the centre back.
func (d *Desk) Revoke(ctx context.Context, centre, id uuid.UUID) error {
	ok, err := d.links.TouchLink(ctx, centre, id, 0, d.now().UnixMilli())
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(syncproto.NotFound, "there is no such link")
	}
	return nil
}

// Tries of one address: a burst for a page with its picture and its readers,
// then one each two seconds.
const (
	burst      = 30
	every      = 2 * time.Second
	maxRemotes = 10_000
)

func (d *Desk) allow(remote string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.tries[remote]
	if l == nil {
		if len(d.tries) >= maxRemotes {
			for k, l := range d.tries {
				if l.TokensAt(d.now()) >= burst {
					delete(d.tries, k)
				}
			}
		}
		if len(d.tries) >= maxRemotes {
			return false
		}
		l = rate.NewLimiter(rate.Every(every), burst)
		d.tries[remote] = l
	}
	return l.AllowN(d.now(), 1)
}
