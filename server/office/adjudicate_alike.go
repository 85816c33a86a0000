package office

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
)

// MaxAlike bounds how many cases are judged with one verdict.
const MaxAlike = 50

// Alike names one more case that a verdict holds for.
type Alike struct {
	Centre, Defect uuid.UUID
	Base           uint64 // rev of the defect that the screen showed
}

// Together says what became of cases that were judged with another one.
type Together struct {
	Done int
	Left []Alike // decided or changed meanwhile, or not of the same kind
}

// AdjudicateAlike gives one verdict on several cases: a fault of a batch shows
// in many kitchens and is judged once. The first is judged as by
// [Bench.Adjudicate], and where that is refused nothing is written. Each of the
// others is a transaction of its own centre's log, with the same verdict, shares,
// remedy and texts; one that changed since it was shown, is of another class, or
// was judged before, so that its appeal waits for eyes of its own, is left and
// said.
//
// Cracks are never judged together, as each whole crack must be seen (DE-04),
// and neither is what asks for photos or goods.
func (b *Bench) AdjudicateAlike(ctx context.Context, who Who, centre uuid.UUID, in Judgement, also []Alike) (uuid.UUID, Together, error) {
	var out Together
	if len(also) == 0 {
		id, err := b.Adjudicate(ctx, who, centre, in)
		return id, out, err
	}
	if len(also) > MaxAlike {
		return uuid.Nil, out, fault.New(fault.Invalid, fmt.Sprintf("adjudicate.alike-many|%d", MaxAlike))
	}
	if !final(in.Verdict) {
		return uuid.Nil, out, fault.New(fault.Invalid, "adjudicate.alike-final")
	}
	_, d, err := b.defectFile(ctx, centre, in.Defect)
	if err != nil {
		return uuid.Nil, out, err
	}
	class := d.Text("class")
	if !MayTogether(class) {
		return uuid.Nil, out, fault.New(fault.Invalid, "adjudicate.alike-crack")
	}
	id, err := b.Adjudicate(ctx, who, centre, in)
	if err != nil {
		return id, out, err
	}
	for _, a := range also {
		ok, err := b.alike(ctx, who, in, a, class)
		if err != nil {
			return id, out, err
		}
		if ok {
			out.Done++
		} else {
			out.Left = append(out.Left, a)
		}
	}
	return id, out, nil
}

// MayTogether says whether cases of a class may be judged with one verdict.
func MayTogether(class string) bool {
	return class != fieldwork.TopCrack && class != fieldwork.DoorCrack
}

// alike judges one of the others; false leaves it as it was.
func (b *Bench) alike(ctx context.Context, who Who, in Judgement, a Alike, class string) (bool, error) {
	f, d, err := b.defectFile(ctx, a.Centre, a.Defect)
	if err == nil {
		if a.Defect == in.Defect || a.Base == 0 || d.Text("class") != class || d.Text("status") != "submitted" || len(FinalVerdicts(&f, d.ID)) > 0 {
			return false, nil
		}
		in.Defect, in.Base = a.Defect, a.Base
		_, err = b.Adjudicate(ctx, who, a.Centre, in)
	}
	if err == nil {
		return true, nil
	}
	switch fault.CodeOf(err) {
	case syncproto.Internal, syncproto.Busy:
		return false, err
	}
	return false, nil
}
