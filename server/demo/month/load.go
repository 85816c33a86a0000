package month

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Ledger is where rows and logs go; *ledger.Ledger is one.
type Ledger interface {
	CreateStream(ctx context.Context, id uuid.UUID, headquarters bool) error
	Write(ctx context.Context, centre uuid.UUID, by ledger.Author, edits []ledger.Edit) (ledger.Written, error)
	Push(ctx context.Context, dev ledger.Device, req *syncproto.PushRequest) (*syncproto.PushAnswer, error)
}

// Accounts makes people and phones known; *auth.Auth is one.
type Accounts interface {
	CreatePerson(ctx context.Context, by auth.Person, n auth.NewPerson) (auth.Person, string, error)
	NewCode(ctx context.Context, by, person uuid.UUID) (code string, expires time.Time, err error)
	Enrol(ctx context.Context, req syncproto.EnrolRequest, remote string) (syncproto.EnrolAnswer, error)
	RevokeDevice(ctx context.Context, by auth.Person, device uuid.UUID) error
}

// Blobs plans and commits uploads; *blob.Service is one.
type Blobs interface {
	Plan(ctx context.Context, dev ledger.Device, blobs []syncproto.PlanBlob) ([]syncproto.PlannedBlob, error)
	Commit(ctx context.Context, dev ledger.Device, req syncproto.CommitRequest) (syncproto.CommitAnswer, error)
}

// Server is what a month is loaded into.
type Server struct {
	Ledger   Ledger
	Accounts Accounts
	// Blobs takes the files; nil draws none: their rows name made-up hashes, and
	// the server's log says of each that it has it, as after an upload.
	Blobs  Blobs
	HTTP   *http.Client // reaches the presigned URLs
	Clock  *Clock       // the one that all of the above run on
	Schema *schema.Descriptor
	Report func(done, all int) // progress in steps; nil for none
}

// Loaded counts what was loaded.
type Loaded struct {
	Changes int // in all logs
	Refused int // of a chain: edits that came too early or too late, as happens at desks
	Pushes  int
	Files   int // photographs, previews and signatures
	Bytes   int64
}

// Load plays the month into an empty server, in the order of its time, and
// leaves the clock released. The server's parts must have been built with the
// clock at [Month.Start], as a server's clock never goes back. Files are drawn and uploaded beside it. An error
// leaves the server half filled: throw its data away.
func Load(ctx context.Context, srv Server, m *Month) (Loaded, error) {
	codec, err := changelog.NewCodec()
	if err != nil {
		return Loaded{}, err
	}
	defer srv.Clock.Release()
	l := &loader{Server: srv, m: m, codec: codec, files: map[*Blob]*file{}, phones: map[*Phone]*phoneLog{}, revs: map[uuid.UUID]uint64{}, cases: map[string]uuid.UUID{}}
	group, ctx := errgroup.WithContext(ctx)
	l.draw(ctx, group)
	group.Go(func() error {
		defer close(l.uploads)
		return l.play(ctx)
	})
	if err := group.Wait(); err != nil {
		return l.loaded, fmt.Errorf("load the sample month: %w", err)
	}
	return l.loaded, nil
}

type loader struct {
	Server
	m      *Month
	codec  *changelog.Codec
	loaded Loaded

	files   map[*Blob]*file
	uploads chan upload

	phones map[*Phone]*phoneLog
	revs   map[uuid.UUID]uint64 // last rev of each stream
	cases  map[string]uuid.UUID
}

// play takes the steps one after the other.
func (l *loader) play(ctx context.Context) error {
	// The driver starts a goroutine for each statement that could be cancelled;
	// there are many statements here, and each step is short.
	steady := context.WithoutCancel(ctx)
	l.Clock.Set(l.m.Start())
	if err := l.people(steady); err != nil {
		return err
	}
	for i, s := range l.m.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.Clock.Set(s.At)
		if err := l.step(ctx, steady, s); err != nil {
			return fmt.Errorf("step %d of %s: %w", i, s.At.Format(time.DateTime), err)
		}
		if l.Report != nil && i%50 == 0 {
			l.Report(i, len(l.m.Steps))
		}
	}
	return nil
}

func (l *loader) step(ctx, steady context.Context, s Step) error {
	switch {
	case s.Office != nil:
		return l.write(steady, s.Office.Centre, s.Office.By, s.Office.Edits)
	case s.Push != nil:
		return l.push(ctx, steady, s.Push)
	case s.Meet != nil:
		l.phones[s.Meet].meet(s.At, l.revs[s.Meet.Person.Centre])
		return nil
	case s.Enrol != nil:
		return l.enrol(steady, s.Enrol, s.At)
	case s.Twin != nil:
		return l.twin(steady, s.Twin)
	case s.Retire != nil:
		l.loaded.Changes++
		return l.Accounts.RevokeDevice(steady, auth.Operator(), l.phones[s.Retire].device.ID)
	}
	return l.rule(steady, s.Rule)
}

// people makes the streams and everybody who works in them. Hashing passwords
// is slow on purpose, so it is done for all at once.
func (l *loader) people(ctx context.Context) error {
	for id, hq := range map[uuid.UUID]bool{l.m.Headquarters: true, l.m.Centre: false, l.m.Second: false} {
		if id == uuid.Nil {
			continue
		}
		if err := l.Ledger.CreateStream(ctx, id, hq); err != nil {
			return err
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, p := range l.m.People {
		group.Go(func() error {
			n := auth.NewPerson{ID: p.ID, Centre: p.Centre, Name: p.Name, Login: p.Login, Role: p.Role, Phone: p.Phone, Skills: p.Skills}
			if p.Login != "" {
				n.Password = Password
			}
			_, _, err := l.Accounts.CreatePerson(ctx, auth.Operator(), n)
			if err != nil {
				return fmt.Errorf("create %s: %w", p.Name, err)
			}
			return nil
		})
	}
	l.loaded.Changes += len(l.m.People)
	return group.Wait()
}

func (l *loader) write(ctx context.Context, centre uuid.UUID, by ledger.Author, edits []ledger.Edit) error {
	filled := make([]ledger.Edit, len(edits))
	for i, e := range edits {
		e.Cols = l.fill(e.Cols)
		filled[i] = e
	}
	w, err := l.Ledger.Write(ctx, centre, by, filled)
	if l.m.lenient && refused(err) {
		return l.writeApart(ctx, centre, by, edits)
	}
	if err != nil {
		return err
	}
	l.revs[centre] = w.Rev
	l.loaded.Changes += len(edits)
	return nil
}

// rule decides a case that a push brought.
func (l *loader) rule(ctx context.Context, r *Rule) error {
	id, ok := l.cases[r.Name]
	if !ok {
		return nil // the two turned out to agree
	}
	now := l.Clock.Now()
	row := newID(now, id)
	return l.write(ctx, l.m.Centre, r.By, []ledger.Edit{insert("decision", row, map[string]any{
		"case": raw(id), "verdict": r.Verdict, "reason": r.Reason, "at": ms(now), "by": raw(r.By.Person),
	})})
}

// newID is a UUIDv7 that follows from another id, for rows that only come to
// be while loading.
func newID(at time.Time, from uuid.UUID) uuid.UUID {
	id := uuid.NewSHA1(from, []byte("sample"))
	n := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(n >> (40 - 8*i))
	}
	id[6] = 0x70 | id[6]&0x0f
	return id
}

// fill puts in place of what stands for it what is known by now: hashes and
// sizes of files, receipt numbers.
func (l *loader) fill(cols map[string]any) map[string]any {
	var out map[string]any
	for k, v := range cols {
		switch x := v.(type) {
		case shaOf:
			v = l.files[x.Blob].sha[:]
		case sizeOf:
			v = l.files[x.Blob].size
		case numberOf:
			v = l.phones[x.phone].number(x.n)
		default:
			continue
		}
		if out == nil {
			out = make(map[string]any, len(cols))
			for k, v := range cols {
				out[k] = v
			}
		}
		out[k] = v
	}
	if out == nil {
		return cols
	}
	return out
}
