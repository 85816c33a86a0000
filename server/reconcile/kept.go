package reconcile

import (
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"siteledger/syncproto/schema"
)

// Kept is what a newer phone wrote into a column that the schema did not have:
// kept beside the row with who wrote it and what he saw, until an upgrade knows
// the column (promise P9).
type Kept struct {
	Column string
	Value  any
	Base   uint64
	Stamp  Stamp
}

// maxKept bounds what is kept beside one row. A log's later value of a column
// replaces its earlier one; what is beyond the bound is held for a person.
const maxKept = 64

// keptForm marks the stored form of kept values. The form before it was a bare
// map of values.
const keptForm = 2

type keptCell struct {
	_      struct{} `cbor:",toarray"`
	Column string
	Value  any
	Base   uint64
	Stamp  []byte
}

// EncodeKept writes kept values; nil for none.
func EncodeKept(kept []Kept) ([]byte, error) {
	if len(kept) == 0 {
		return nil, nil
	}
	cells := make([]keptCell, len(kept))
	for i, k := range kept {
		cells[i] = keptCell{Column: k.Column, Value: k.Value, Base: k.Base, Stamp: appendStamp(nil, k.Stamp)}
	}
	mode, err := cbor.CoreDetEncOptions().EncMode() // maps in one order: a rebuild compares the bytes
	if err != nil {
		return nil, err
	}
	b, err := mode.Marshal(cells)
	if err != nil {
		return nil, fmt.Errorf("columns of a newer schema: %w", err)
	}
	return append([]byte{keptForm}, b...), nil
}

// DecodeKept reads what EncodeKept wrote.
func DecodeKept(b []byte) ([]Kept, error) {
	if len(b) == 0 {
		return nil, nil
	}
	mode, err := cbor.DecOptions{IntDec: cbor.IntDecConvertSignedOrFail, TagsMd: cbor.TagsForbidden}.DecMode()
	if err != nil {
		return nil, err
	}
	if b[0] != keptForm {
		return decodeBare(mode, b)
	}
	var cells []keptCell
	if err := mode.Unmarshal(b[1:], &cells); err != nil {
		return nil, fmt.Errorf("columns of a newer schema: %w", err)
	}
	out := make([]Kept, len(cells))
	for i, c := range cells {
		r := reader{b: c.Stamp}
		out[i] = Kept{Column: c.Column, Value: c.Value, Base: c.Base, Stamp: r.stamp()}
		if r.bad {
			return nil, errClock
		}
	}
	return out, nil
}

// decodeBare reads the earlier form, which did not say who wrote: phones alone
// were newer than the server.
func decodeBare(mode cbor.DecMode, b []byte) ([]Kept, error) {
	var bare map[string]any
	if err := mode.Unmarshal(b, &bare); err != nil {
		return nil, fmt.Errorf("columns of a newer schema: %w", err)
	}
	var out []Kept
	for _, name := range sortedNames(bare) {
		out = append(out, Kept{Column: name, Value: bare[name], Stamp: Stamp{Role: schema.Installer}})
	}
	return out, nil
}

// keep adds what a change wrote into unknown columns; false where there is too
// much already.
func keep(kept []Kept, s Stamp, base uint64, values map[string]any) ([]Kept, bool) {
	out := slices.Clone(kept)
	for _, name := range sortedNames(values) {
		k := Kept{Column: name, Value: values[name], Base: base, Stamp: s}
		i := slices.IndexFunc(out, func(o Kept) bool { return o.Column == name && o.Stamp.Log == s.Log })
		switch {
		case i >= 0:
			k.Base = out[i].Base // what its writer saw before his own first word
			out = append(slices.Delete(out, i, i+1), k)
		case len(out) >= maxKept:
			return kept, false
		default:
			out = append(out, k)
		}
	}
	return out, true
}
