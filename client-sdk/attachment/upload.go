package attachment

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"siteledger/client-sdk/serverkey"
	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

// Remote is the way to the server and to its photo store.
type Remote interface {
	Plan(ctx context.Context, blobs []syncproto.PlanBlob) ([]syncproto.PlannedBlob, error)
	Put(ctx context.Context, address string, headers map[string]string, r io.Reader, size int64, sent func(int64)) (etag string, err error)
	Commit(ctx context.Context, req syncproto.CommitRequest) (*syncproto.CommitAnswer, error)
}

// Uploader sends what is queued.
type Uploader struct {
	Store   *Store
	Remote  Remote
	Keys    func(context.Context) (serverkey.Keys, error)
	Device  uuid.UUID
	History uuid.UUID
	// Delay is the wait after the n-th failure in a row of one photo.
	Delay func(attempts int) time.Duration
	// Largest is the size of the largest original that may go over the present
	// network; it is asked again before each photo and each part.
	Largest func(context.Context) (int64, error)
	// AtOnce is how many photos may go at the same time; 1 or less for one.
	AtOnce int
	// Changed is called when a photo's state changed.
	Changed func()
}

// maxWait is longer than any timer of a photo.
const maxWait = 2 * time.Hour

// attentionWait is the timer of a photo that needs a person: it is tried again
// all the same.
const attentionWait = time.Hour

type planned struct {
	blob Blob
	plan syncproto.PlannedBlob
	err  error // the server refuses this one
}

// plan asks for all at once; where one of them makes the server refuse the
// lot, each is asked for alone.
func (u *Uploader) plan(ctx context.Context, batch []Blob) ([]planned, error) {
	answer, err := u.Remote.Plan(ctx, wanted(batch))
	if err == nil {
		return match(batch, answer)
	}
	if common(err) || ctx.Err() != nil || len(batch) == 1 && !refused(err) {
		return nil, err
	}
	var out []planned
	for _, b := range batch {
		answer, err := u.Remote.Plan(ctx, wanted([]Blob{b}))
		if err != nil && (common(err) || !refused(err)) {
			return nil, err
		}
		if err != nil {
			out = append(out, planned{blob: b, err: err})
			continue
		}
		one, err := match([]Blob{b}, answer)
		if err != nil {
			return nil, err
		}
		out = append(out, one...)
	}
	return out, nil
}

func refused(err error) bool {
	_, ok := transport.ProblemOf(err)
	return ok
}

func wanted(batch []Blob) []syncproto.PlanBlob {
	out := make([]syncproto.PlanBlob, len(batch))
	for i, b := range batch {
		out[i] = syncproto.PlanBlob{SHA256: hex.EncodeToString(b.SHA256[:]), Size: b.Size, Type: b.Type, Purpose: b.Purpose}
	}
	return out
}

// match finds the plan of each photo; the order of the answer does not matter.
func match(batch []Blob, answer []syncproto.PlannedBlob) ([]planned, error) {
	out := make([]planned, len(batch))
	for i, b := range batch {
		name := hex.EncodeToString(b.SHA256[:])
		at := slices.IndexFunc(answer, func(p syncproto.PlannedBlob) bool { return p.SHA256 == name })
		if at < 0 {
			return nil, fmt.Errorf("%w: a plan that leaves a file out", transport.ErrForeign)
		}
		out[i] = planned{blob: b, plan: answer[at]}
	}
	return out, nil
}

// one takes a photo as far as it goes and writes down where it stands.
func (u *Uploader) one(ctx context.Context, p planned) error {
	defer u.Changed()
	b, err := p.blob, p.err
	if err == nil {
		err = u.send(ctx, &b, p.plan)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return err // the app ends: the photo stays as it was
	case errors.Is(err, errWaits):
		return errors.Join(err, u.wait(ctx, b))
	}
	b.Attempts++
	b.Reason = reasonOf(err)
	if b.State == Attention || needsPerson(err) { // until it goes through, a person should know
		b.State, b.NextAt = Attention, u.Store.now().Add(attentionWait)
	} else {
		b.State, b.NextAt = Queued, u.Store.now().Add(u.Delay(b.Attempts))
	}
	if p, ok := transport.ProblemOf(err); ok && p.RetryAfter > 0 {
		b.NextAt = u.Store.now().Add(min(max(p.RetryAfter, b.NextAt.Sub(u.Store.now())), maxWait))
	}
	return errors.Join(err, u.Store.mark(ctx, b))
}

// wait puts a photo back that may not go over the present network: nothing is
// wrong with it, so it has no timer. What arrived of it stays in the storage.
func (u *Uploader) wait(ctx context.Context, b Blob) error {
	if b.State == Uploading {
		b.State = Queued
	}
	return u.Store.mark(ctx, b)
}

// Reasons why a photo waits or needs attention, beside the codes of the wire.
const (
	ReasonNetwork = "network"
	ReasonForeign = "not-our-server"
	ReasonDamaged = "damaged" // the bytes on the phone are not what was stored
	ReasonAbsent  = "absent"  // the bytes are not on the phone any more
	ReasonReceipt = "receipt" // the server's receipt is not right
	ReasonStore   = "store"   // the photo store refused
)

func reasonOf(err error) string {
	p, ok := transport.ProblemOf(err)
	switch {
	case errors.Is(err, errDamaged):
		return ReasonDamaged
	case ok:
		return string(p.Code)
	case errors.Is(err, ErrAbsent):
		return ReasonAbsent
	case errors.Is(err, transport.ErrForeign):
		return ReasonForeign
	case errors.Is(err, transport.ErrRefusedUpload):
		return ReasonStore
	case errors.Is(err, errReceipt), errors.Is(err, serverkey.ErrUnknownKey):
		return ReasonReceipt
	}
	return ReasonNetwork
}

// needsPerson says whether sending the same again will hardly help.
func needsPerson(err error) bool {
	if errors.Is(err, serverkey.ErrUnknownKey) {
		return false // the key comes with the next access token
	}
	if errors.Is(err, errDamaged) || errors.Is(err, ErrAbsent) || errors.Is(err, errReceipt) {
		return true
	}
	p, ok := transport.ProblemOf(err)
	return ok && (p.Code == syncproto.BlobType || p.Code == syncproto.BlobTooLarge || p.Code == syncproto.BodyInvalid)
}
