package api

import (
	"errors"
	"mime"
	"net/http"
	"strconv"

	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/pack"
)

// pushForm is how a push's body is spelt.
type pushForm struct {
	media  string
	packed bool
	size   int // bytes of all changes once they are unpacked
}

// form reads what a push says of its form. The size that a packed one names is
// set aside before a byte of it is decoded, and is all that may come of it.
func (d batchDecoder) form(h http.Header) (pushForm, error) {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != syncproto.TypePacked {
		return pushForm{media: syncproto.TypeCBOR}, nil
	}
	size, err := strconv.ParseUint(params["size"], 10, 31)
	if err != nil {
		return pushForm{}, fault.New(syncproto.TypeUnsupported, "类型缺少参数 size · The type of a packed push names the size of its changes")
	}
	if size > uint64(d.limits.MaxBatchBytes) {
		return pushForm{}, fault.TooLarge(syncproto.BatchTooLarge, "batch_bytes", int64(d.limits.MaxBatchBytes))
	}
	return pushForm{media: media, packed: true, size: int(size)}, nil
}

// unpack gives a packed push its changes.
func (d batchDecoder) unpack(req *syncproto.PushRequest, packed []byte, size int) error {
	if len(req.Changes) > 0 {
		return fault.New(syncproto.EnvelopeInvalid, "变更不能既压包又不压包 · The changes are packed and not packed")
	}
	changes, err := pack.Unpack(packed, size, d.limits.MaxBatchChanges)
	if errors.Is(err, pack.ErrTooMany) {
		return d.tooLong()
	}
	if err != nil {
		return fault.Wrap(syncproto.EnvelopeInvalid, "变更无法解包 · The changes cannot be unpacked", err)
	}
	req.Changes = changes
	return nil
}
