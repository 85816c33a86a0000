package api

import (
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

// decode reads the envelope and holds the limits, in the protocol's order: the
// device first.
func (d batchDecoder) decode(body []byte, device uuid.UUID) (*syncproto.PushRequest, error) {
	var req syncproto.PushRequest
	err := d.mode.Unmarshal(body, &req)
	var long *cbor.MaxArrayElementsError
	if errors.As(err, &long) {
		return nil, d.tooLong()
	}
	if err != nil {
		return nil, fault.Wrap(syncproto.EnvelopeInvalid, "推送内容无法读取 · The push cannot be read", err)
	}
	if len(req.Device) != len(device) {
		return nil, fault.New(syncproto.EnvelopeInvalid, "设备号长度不对 · The device's id has not 16 bytes")
	}
	if uuid.UUID(req.Device) != device {
		return nil, fault.New(syncproto.WrongDevice, "令牌属于另一台设备 · The token belongs to another device")
	}
	if len(req.Changes) > d.limits.MaxBatchChanges {
		return nil, d.tooLong()
	}
	for _, ch := range req.Changes {
		if len(ch) > d.limits.MaxChangeBytes {
			return nil, fault.TooLarge(syncproto.ChangeTooLarge, "change_bytes", int64(d.limits.MaxChangeBytes))
		}
	}
	return &req, nil
}

func (d batchDecoder) tooLong() error {
	return fault.TooLarge(syncproto.BatchTooLong, "batch_changes", int64(d.limits.MaxBatchChanges))
}

// push serves POST /v1/sync/push. Sending the same bytes again is harmless.
func (s *Server) push(c echo.Context, g auth.Grant) error {
	leave, err := s.pushes.enter(c.Request().Context(), g.Device.ID.String())
	if err != nil {
		return err
	}
	defer leave()
	body, err := s.bodies.read(c, syncproto.TypeCBOR, s.cfg.Limits.MaxBatchBytes, "batch_bytes")
	if err != nil {
		return err
	}
	req, err := s.batches.decode(body, g.Device.ID)
	if err != nil {
		return err
	}
	ans, err := s.cfg.Pusher.Push(c.Request().Context(), g.Device, req)
	s.metrics.push(len(req.Changes), ans, err)
	if err != nil {
		return fmt.Errorf("push: %w", err)
	}
	if ans.Outcomes == nil {
		ans.Outcomes = []syncproto.Outcome{} // an empty list, not null
	}
	if ans.Hint == nil {
		ans.Hint = []byte{}
	}
	out, err := s.codec.Marshal(ans)
	if err != nil {
		return fmt.Errorf("encode push answer: %w", err)
	}
	return c.Blob(http.StatusOK, syncproto.TypeCBOR, out)
}
