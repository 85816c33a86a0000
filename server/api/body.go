package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/labstack/echo/v4"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// rawSlack is how much longer than its decoded form a body may arrive:
// compression never adds more.
const rawSlack = 64 << 10

// A body's memory is asked for as it comes in: a little at first, whatever
// length the caller claims.
const (
	firstBuffer = 1 << 10
	mostAtFirst = 16 << 10
	keepBuffer  = 64 << 10 // the largest that is kept for the next body
)

// bodyReader reads request bodies: within a limit that counts decoded bytes
// before they are held, not slower than a least rate, and within the memory
// that all bodies share.
type bodyReader struct {
	limits   Limits
	budget   *budget
	decoders sync.Pool // of *zstd.Decoder
	buffers  sync.Pool // of *[]byte, for compressed bodies alone
}

func newBodyReader(l Limits) *bodyReader {
	largest := int64(max(l.MaxBatchBytes, l.MaxJSONBytes))
	return &bodyReader{
		limits: l, budget: newBudget(l.BodyMemory, largest, l.Patience),
		decoders: sync.Pool{New: func() any {
			d, err := zstd.NewReader(nil,
				zstd.WithDecoderConcurrency(1),
				zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(8<<20),
				zstd.WithDecoderMaxMemory(uint64(largest)+1),
			)
			if err != nil {
				return err
			}
			return d
		}},
	}
}

// received is a body as it came, complete. It must be freed, after which
// neither it nor what was decoded of a compressed one may be held back: the
// decoded bytes themselves are the caller's for ever, only their place in the
// budget is given back.
type received struct {
	reader     *bodyReader
	raw        []byte
	compressed bool
	limit      int
	extra      int64 // bytes that are made of the decoded ones
	tooLarge   error
	frees      []func()
}

// free gives the memory's place back; calling it again does nothing.
func (b *received) free() {
	for _, f := range b.frees {
		f()
	}
	b.frees = nil
}

// receive takes a body in as it comes over the network. key says whose it is;
// empty for a caller without a token.
func (r *bodyReader) receive(c echo.Context, key, mediaType string, limit int, name string) (*received, error) {
	req := c.Request()
	if got, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || got != mediaType {
		return nil, fault.New(syncproto.TypeUnsupported, "请求类型应为 "+mediaType+" · The body must be "+mediaType)
	}
	compressed, err := compressedBody(req)
	if err != nil {
		return nil, err
	}
	share, key := r.budget.arriving, key
	if key == "" {
		share, key = r.budget.open, openKey(req)
	}
	b := &received{reader: r, compressed: compressed, limit: limit, tooLarge: fault.TooLarge(syncproto.BatchTooLarge, name, int64(limit))}
	paced := &pacedBody{r: req.Body, rc: http.NewResponseController(c.Response()), limits: r.limits, start: time.Now(), left: int64(limit) + rawSlack}
	if !compressed {
		paced.left = int64(limit) + 1
	}
	if req.ContentLength > paced.left {
		paced.drain()
		return nil, b.tooLarge
	}
	if err := b.fill(paced, req.ContentLength, share, key); err != nil {
		b.free()
		switch {
		case errors.Is(err, errOverRaw):
			paced.drain()
			return nil, b.tooLarge
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.Response().Header().Set("Connection", "close")
			return nil, fault.Wrap(syncproto.BodyInvalid, "请求体到得太慢 · The body came too slowly", err)
		case fault.CodeOf(err) == syncproto.Busy:
			c.Response().Header().Set("Connection", "close")
			return nil, err
		}
		return nil, fault.Wrap(syncproto.BodyInvalid, "请求体不完整 · The body is cut", err)
	}
	paced.done()
	return b, nil
}

// openKey tells callers without a token apart, by their address.
func openKey(r *http.Request) string {
	at := strings.LastIndexByte(r.RemoteAddr, ':')
	return "open " + r.RemoteAddr[:max(at, 0)]
}

// fill reads the body to its end, asking for memory as it grows.
func (b *received) fill(src io.Reader, claimed int64, share *quota, key string) error {
	buf := b.buffer(claimed)
	charged := int64(cap(buf))
	if !share.take(key, charged, charged) {
		return busyBodies()
	}
	b.frees = append(b.frees, func() { share.give(key, charged); b.recycle() })
	for {
		if len(buf) == cap(buf) {
			grow := int64(min(cap(buf), 1<<20))
			if !share.take(key, grow, charged+grow) {
				return busyBodies()
			}
			charged += grow
			next := make([]byte, len(buf), len(buf)+int(grow))
			copy(next, buf)
			buf = next
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		b.raw = buf
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// buffer is one to begin with: a used one for a compressed body.
func (b *received) buffer(claimed int64) []byte {
	if b.compressed {
		if p, ok := b.reader.buffers.Get().(*[]byte); ok {
			return (*p)[:0]
		}
	}
	return make([]byte, 0, min(max(claimed+1, firstBuffer), mostAtFirst))
}

// recycle keeps the buffer of a compressed body for the next one. What was
// not compressed is the body itself and may live on in what was decoded of it.
func (b *received) recycle() {
	if b.compressed && b.raw != nil && cap(b.raw) <= keepBuffer {
		buf := b.raw[:0]
		b.reader.buffers.Put(&buf)
	}
	b.raw = nil
}

// decode answers the body's bytes, unpacked into a buffer of exactly their
// length where the frame says it; they are the caller's.
func (b *received) decode(ctx context.Context) ([]byte, error) {
	if !b.compressed {
		if len(b.raw) > b.limit {
			return nil, b.tooLarge
		}
		return b.raw, b.reserve(ctx, 0)
	}
	size, exact := frameSize(b.raw)
	if exact && size > uint64(b.limit) {
		return nil, b.tooLarge
	}
	room := int64(b.limit) + 1
	if exact {
		room = int64(size)
	}
	if err := b.reserve(ctx, room); err != nil {
		return nil, err
	}
	return b.unpack(exact, int(room))
}

// reserve waits for the memory that decoding takes, all of it at once.
func (b *received) reserve(ctx context.Context, room int64) error {
	if room += b.extra; room == 0 {
		return nil
	}
	free, err := b.reader.budget.decodes(ctx, room)
	if err != nil {
		return err
	}
	b.frees = append(b.frees, free)
	return nil
}

func (b *received) unpack(exact bool, room int) ([]byte, error) {
	d, err := b.reader.decoder()
	if err != nil {
		return nil, err
	}
	defer b.reader.decoders.Put(d)
	var out []byte
	if exact {
		out, err = d.DecodeAll(b.raw, make([]byte, 0, room))
	} else {
		out, err = d.DecodeAll(b.raw, nil)
	}
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded), err == nil && len(out) > b.limit:
		return nil, b.tooLarge
	case err != nil:
		return nil, fault.Wrap(syncproto.BodyInvalid, "请求体无法解压 · The body cannot be decompressed", err)
	}
	return out, nil
}

func (r *bodyReader) decoder() (*zstd.Decoder, error) {
	switch d := r.decoders.Get().(type) {
	case *zstd.Decoder:
		return d, nil
	case error:
		return nil, d
	}
	return nil, errors.New("zstd decoder is missing")
}

// frameSize is the decoded length of a body that is one zstd frame which says
// it; false for any other.
func frameSize(raw []byte) (uint64, bool) {
	var h zstd.Header
	if h.Decode(raw) != nil || h.Skippable || !h.HasFCS {
		return 0, false
	}
	at := h.HeaderSize
	for {
		if at+3 > len(raw) {
			return 0, false
		}
		block := int(raw[at]) | int(raw[at+1])<<8 | int(raw[at+2])<<16
		at += 3
		if block>>1&3 == 1 { // one byte, repeated
			at++
		} else {
			at += block >> 3
		}
		if block&1 == 1 {
			break
		}
	}
	if h.HasCheckSum {
		at += 4
	}
	return h.FrameContentSize, at == len(raw)
}

func compressedBody(r *http.Request) (bool, error) {
	switch enc := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ","))); enc {
	case "", "identity":
		return false, nil
	case "zstd":
		return true, nil
	default:
		return false, fault.New(syncproto.EncodingUnsupported, "只支持 zstd 或不压缩 · Content-Encoding must be zstd or absent")
	}
}

// openJSON is the largest JSON body of a caller without a token.
const openJSON = 64 << 10

// json reads a JSON body of at most MaxJSONBytes, or of openJSON where the
// caller has no token. Unknown members are tolerated; anything behind the
// value is not.
func (r *bodyReader) json(c echo.Context, key string, into any) error {
	limit := r.limits.MaxJSONBytes
	if key == "" {
		limit = min(limit, openJSON)
	}
	b, err := r.receive(c, key, syncproto.TypeJSON, limit, "json_bytes")
	if err != nil {
		return err
	}
	defer b.free()
	body, err := b.decode(c.Request().Context())
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.Wrap(syncproto.BodyInvalid, "请求体不是有效的 JSON · The body is not the JSON that this call takes", err)
	}
	return nil
}
