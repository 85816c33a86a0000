package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// batchDecoder reads a push's envelope; it never builds more than the limits
// allow.
type batchDecoder struct {
	mode   cbor.DecMode
	limits syncproto.Limits
}

func newBatchDecoder(l syncproto.Limits) (batchDecoder, error) {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  4,
		MaxArrayElements: max(l.MaxBatchChanges, 16),
		MaxMapPairs:      64,
	}.DecMode()
	if err != nil {
		return batchDecoder{}, fmt.Errorf("cbor reader: %w", err)
	}
	return batchDecoder{mode: mode, limits: l}, nil
}

// envelope is a [syncproto.PushRequest] whose changes are parts of the body's
// own bytes: a batch is held once.
type envelope struct {
	History   []byte      `cbor:"0,keyasint"`
	Device    []byte      `cbor:"1,keyasint"`
	Epoch     []byte      `cbor:"2,keyasint"`
	From      uint64      `cbor:"3,keyasint"`
	Prev      []byte      `cbor:"4,keyasint"`
	Changes   []wireBytes `cbor:"5,keyasint"`
	Head      []byte      `cbor:"6,keyasint"`
	Signature []byte      `cbor:"7,keyasint"`
	Boot      []byte      `cbor:"8,keyasint"`
	Mono      uint64      `cbor:"9,keyasint"`
	Wall      int64       `cbor:"10,keyasint"`
	Packed    wireBytes   `cbor:"11,keyasint"` // of a packed push alone, instead of Changes
}

// wireBytes is a byte string where it stands in the body.
type wireBytes []byte

// UnmarshalCBOR takes the contents of a byte string without copying them: the
// reader hands out a part of the body, which nobody writes to again. Null
// counts as empty, as it does for a []byte.
func (w *wireBytes) UnmarshalCBOR(data []byte) error {
	if len(data) == 1 && data[0] == 0xf6 {
		*w = nil
		return nil
	}
	if len(data) == 0 || data[0]>>5 != 2 {
		return errors.New("a change is no byte string")
	}
	head := 1
	switch data[0] & 0x1f {
	case 24:
		head = 2
	case 25:
		head = 3
	case 26:
		head = 5
	case 27:
		head = 9
	}
	*w = data[head:len(data):len(data)]
	return nil
}

func (e *envelope) request() *syncproto.PushRequest {
	changes := make([][]byte, len(e.Changes))
	for i, c := range e.Changes {
		changes[i] = c
	}
	return &syncproto.PushRequest{History: e.History, Device: e.Device, Epoch: e.Epoch, From: e.From, Prev: e.Prev, Changes: changes,
		Head: e.Head, Signature: e.Signature, Boot: e.Boot, Mono: e.Mono, Wall: e.Wall}
}

// decode reads the envelope and holds the limits, in the protocol's order: the
// device first. The answer's changes are parts of body, or of one buffer of
// their size where they were packed.
func (d batchDecoder) decode(body []byte, form pushForm, device uuid.UUID) (*syncproto.PushRequest, error) {
	var env envelope
	err := d.mode.Unmarshal(body, &env)
	var long *cbor.MaxArrayElementsError
	if errors.As(err, &long) {
		return nil, d.tooLong()
	}
	if err != nil {
		return nil, fault.Wrap(syncproto.EnvelopeInvalid, "推送内容无法读取 · The push cannot be read", err)
	}
	req := env.request()
	if len(req.Device) != len(device) {
		return nil, fault.New(syncproto.EnvelopeInvalid, "设备号长度不对 · The device's id has not 16 bytes")
	}
	if uuid.UUID(req.Device) != device {
		return nil, fault.New(syncproto.WrongDevice, "令牌属于另一台设备 · The token belongs to another device")
	}
	if form.packed {
		if err := d.unpack(req, env.Packed, form.size); err != nil {
			return nil, err
		}
	}
	if len(req.Changes) > d.limits.MaxBatchChanges {
		return nil, d.tooLong()
	}
	for _, ch := range req.Changes {
		if len(ch) > d.limits.MaxChangeBytes {
			return nil, fault.TooLarge(syncproto.ChangeTooLarge, "change_bytes", int64(d.limits.MaxChangeBytes))
		}
	}
	return req, nil
}

func (d batchDecoder) tooLong() error {
	return fault.TooLarge(syncproto.BatchTooLong, "batch_changes", int64(d.limits.MaxBatchChanges))
}

// push serves POST /v1/sync/push. Sending the same bytes again is harmless.
//
// The body comes in first, at the network's pace and without holding a place
// in the hall; then it waits for its turn among all devices, is unpacked and
// committed.
func (s *Server) push(c echo.Context, g auth.Grant) error {
	ctx, device := c.Request().Context(), g.Device.ID.String()
	leave, err := s.pushes.enter(ctx, device)
	if err != nil {
		return err
	}
	defer leave()
	form, err := s.batches.form(c.Request().Header)
	if err != nil {
		return err
	}
	body, err := s.bodies.receive(c, device, form.media, s.cfg.Limits.MaxBatchBytes, "batch_bytes")
	if err != nil {
		return err
	}
	defer body.free()
	body.extra = int64(form.size)
	out, err := s.commitBatch(ctx, g, body, form)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, syncproto.TypeCBOR, out)
}

// commitBatch does a push whose body is here, and gives the answer's bytes.
func (s *Server) commitBatch(ctx context.Context, g auth.Grant, body *received, form pushForm) ([]byte, error) {
	leave, err := s.halls.push.enter(ctx, g.Device.ID.String())
	if err != nil {
		return nil, err
	}
	defer leave()
	wire := len(body.raw)
	plain, err := body.decode(ctx)
	if err != nil {
		return nil, err
	}
	req, err := s.batches.decode(plain, form, g.Device.ID)
	if err != nil {
		return nil, err
	}
	start := s.cfg.Now()
	ans, err := s.cfg.Pusher.Push(ctx, g.Device, req)
	s.metrics.push(len(req.Changes), wire, max(len(plain), form.size), s.cfg.Now().Sub(start), ans, err)
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	if ans.Outcomes == nil {
		ans.Outcomes = []syncproto.Outcome{} // an empty list, not null
	}
	if ans.Hint == nil {
		ans.Hint = []byte{}
	}
	out, err := s.codec.Marshal(ans)
	if err != nil {
		return nil, fmt.Errorf("encode push answer: %w", err)
	}
	return out, nil
}
