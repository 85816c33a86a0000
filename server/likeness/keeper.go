package likeness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// Version is the version of the looking. Another one means that all photos are
// looked at again.
const Version = 1

const (
	// maxCandidates is how many stored photos one new photo is compared with: those
	// that it shares most keys with.
	maxCandidates = 200
	// maxAlike is how many photos of other jobs a photo may look like before it
	// looks like everything, which is no reason to doubt it.
	maxAlike = 8
)

// State is what became of looking at a photo.
type State string

// The states. Only what was seen is compared with what comes later.
const (
	Seen     State = "seen"
	Plain    State = "plain"   // too little to see, such as a bare panel
	Paper    State = "paper"   // a receipt, a plate, an entrance: they all look alike
	Common   State = "common"  // it looks like too many others
	Preview  State = "preview" // seen by its preview, since the original can't be decoded here
	Unknown  State = "format"  // a format that can't be decoded here, such as HEIC
	TooLarge State = "large"   // too many pixels
	Damaged  State = "damaged" // its bytes are no whole picture
	Absent   State = "absent"  // the storage has lost it; verify says so too
)

// Photo is a verified original that nobody has looked at.
type Photo struct {
	Centre uuid.UUID
	SHA256 [32]byte
	Paper  bool // all rows that name it say that it shows a paper or a place
	Rev    uint64
	Row    uuid.UUID // of the server's entry that it is stored
}

// Stored is a photo that was seen before.
type Stored struct {
	Centre uuid.UUID
	SHA256 [32]byte
	Sketch []byte
}

// Alike is a stored photo that looks like the new one.
type Alike struct {
	Centre uuid.UUID
	SHA256 [32]byte
	Likeness
}

// Result is what is kept of one photo.
type Result struct {
	Photo
	State  State
	At     int64  // Unix milliseconds
	Sketch []byte // nil where nothing was seen
	Keys   []Key  // under which it is found later; none where it is not compared
	Alike  []Alike
}

// Shelf keeps what was seen; the store does.
type Shelf interface {
	// UnseenPhotos gives stored photos behind the last that was kept, oldest
	// first. A version other than the kept one forgets all and begins anew.
	UnseenPhotos(ctx context.Context, version, limit int) ([]Photo, error)
	// LikelyPhotos gives the seen photos that share most of the keys.
	LikelyPhotos(ctx context.Context, keys []Key, most int) ([]Stored, error)
	// PreviewOf gives the stored preview that a photo's row names beside an
	// original; false for none.
	PreviewOf(ctx context.Context, centre uuid.UUID, original [32]byte) ([32]byte, bool, error)
	// SameJob says whether two photos are named by rows of one job.
	SameJob(ctx context.Context, a, b Stored) (bool, error)
	// KeepLook writes a result and that the photo was looked at, in one
	// transaction; again is no harm.
	KeepLook(ctx context.Context, version int, r Result) error
}

// Photos opens stored bytes; *blob.Service does.
type Photos interface {
	Open(ctx context.Context, centre uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error)
}

// Keeper looks at each verified photo once and keeps which others it looks
// like. One at a time; two at work on one shelf do the same twice and no harm.
type Keeper struct {
	shelf  Shelf
	photos Photos
	glass  *Glass
	now    func() time.Time
	log    *slog.Logger
}

// NewKeeper makes a keeper.
func NewKeeper(shelf Shelf, photos Photos, now func() time.Time, log *slog.Logger) *Keeper {
	return &Keeper{shelf, photos, NewGlass(), now, log}
}

// Pass looks at up to limit photos and says at how many it did. A storage that
// does not answer ends it with an error; it is tried again at the next pass. A
// process that dies in the middle looks at one photo again.
func (k *Keeper) Pass(ctx context.Context, limit int) (int, error) {
	page, err := k.shelf.UnseenPhotos(ctx, Version, limit)
	if err != nil {
		return 0, fmt.Errorf("photos to look at: %w", err)
	}
	for n, p := range page {
		r, err := k.look(ctx, p)
		if err != nil {
			return n, fmt.Errorf("look at %x: %w", p.SHA256[:6], err)
		}
		if err := k.shelf.KeepLook(ctx, Version, r); err != nil {
			return n, fmt.Errorf("keep what %x looks like: %w", p.SHA256[:6], err)
		}
	}
	return len(page), nil
}

func (k *Keeper) look(ctx context.Context, p Photo) (Result, error) {
	r := Result{Photo: p, At: k.now().UnixMilli()}
	f, info, err := k.photos.Open(ctx, p.Centre, p.SHA256)
	if fault.CodeOf(err) == syncproto.NotFound {
		r.State = Absent
		return r, nil
	}
	if err != nil {
		return r, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	s, err := Look(f, info.Type, k.now)
	switch {
	case err == nil:
		r.Sketch = s.Append(nil)
		err = k.compare(ctx, &r, s)
		return r, err
	case errors.Is(err, ErrFormat):
		r.State = Unknown
		err = k.byPreview(ctx, &r)
		return r, err
	case errors.Is(err, ErrTooMany):
		r.State = TooLarge
		err = k.byPreview(ctx, &r)
		return r, err
	case errors.Is(err, ErrDamaged):
		r.State = Damaged
		k.log.Info("a stored photo can't be decoded", "key", fmt.Sprintf("%x", p.SHA256), "error", err)
	default:
		return r, err
	}
	return r, nil
}

// byPreview looks at the JPEG that the phone made of an original which can't be
// decoded here (HEIC, a panorama). A phone sends previews before originals, so
// it is in by now or it never was made. It is a phone's word what it shows, and
// the state says that nothing else was seen; where there is none, or none that
// can be read, the state stays.
func (k *Keeper) byPreview(ctx context.Context, r *Result) error {
	sha, ok, err := k.shelf.PreviewOf(ctx, r.Centre, r.SHA256)
	if err != nil || !ok {
		return err
	}
	f, info, err := k.photos.Open(ctx, r.Centre, sha)
	if fault.CodeOf(err) == syncproto.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // nothing was written
	s, err := Look(f, info.Type, k.now)
	if errors.Is(err, ErrFormat) || errors.Is(err, ErrTooMany) || errors.Is(err, ErrDamaged) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Sketch = s.Append(nil)
	if err := k.compare(ctx, r, s); err != nil {
		return err
	}
	if r.State == Seen {
		r.State = Preview
	}
	return nil
}

// compare finds which seen photos of other jobs look like this one.
func (k *Keeper) compare(ctx context.Context, r *Result, s Sketch) error {
	switch {
	case r.Paper:
		r.State = Paper
		return nil
	case s.Plain():
		r.State = Plain
		return nil
	}
	r.State, r.Keys = Seen, k.glass.Keys(&s)
	subject := k.glass.Subject(s)
	found, err := k.shelf.LikelyPhotos(ctx, k.glass.Probes(subject), maxCandidates)
	if err != nil {
		return fmt.Errorf("photos that may be alike: %w", err)
	}
	for _, c := range found {
		l, ok, err := k.meet(ctx, r, subject, c)
		if err != nil {
			return err
		}
		if ok {
			r.Alike = append(r.Alike, Alike{c.Centre, c.SHA256, l})
		}
	}
	if len(r.Alike) > maxAlike {
		r.State, r.Keys, r.Alike = Common, nil, nil
	}
	slices.SortStableFunc(r.Alike, func(a, b Alike) int { return cmp.Compare(a.Distance, b.Distance) })
	return nil
}

func (k *Keeper) meet(ctx context.Context, r *Result, subject *Subject, c Stored) (Likeness, bool, error) {
	if c.SHA256 == r.SHA256 { // the same bytes: their hash says so
		return Likeness{}, false, nil
	}
	other, err := ReadSketch(c.Sketch)
	if err != nil || !subject.MayBe(&other) {
		return Likeness{}, false, err
	}
	l := k.glass.Compare(subject, k.glass.Subject(other))
	if !l.Alike() {
		return l, false, nil
	}
	same, err := k.shelf.SameJob(ctx, Stored{Centre: r.Centre, SHA256: r.SHA256}, c)
	return l, !same, err
}
