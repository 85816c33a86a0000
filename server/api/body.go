package api

import (
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

// bodyReader reads request bodies: within a limit that counts decoded bytes
// while they are decoded, and not slower than a least rate.
type bodyReader struct {
	limits   Limits
	decoders sync.Pool // of *zstd.Decoder
}

func newBodyReader(l Limits) *bodyReader {
	return &bodyReader{limits: l, decoders: sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(8<<20),
			zstd.WithDecoderMaxMemory(uint64(max(l.MaxBatchBytes, l.MaxJSONBytes))+1),
		)
		if err != nil {
			return err
		}
		return d
	}}}
}

// read answers the decoded body. Over the limit it is a fault with that
// limit's name; nothing more than the limit is ever held.
func (b *bodyReader) read(c echo.Context, mediaType string, limit int, name string) ([]byte, error) {
	r := c.Request()
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != mediaType {
		return nil, fault.New(syncproto.TypeUnsupported, "请求类型应为 "+mediaType+" · The body must be "+mediaType)
	}
	compressed, err := compressedBody(r)
	if err != nil {
		return nil, err
	}
	tooLarge := fault.TooLarge(syncproto.BatchTooLarge, name, int64(limit))
	// Compression never makes a body this much longer: no need to read on.
	raw := &pacedBody{r: r.Body, rc: http.NewResponseController(c.Response()), limits: b.limits, start: time.Now(), left: int64(limit) + 64<<10}
	var src io.Reader = raw
	if compressed {
		d, err := b.decoder(raw)
		if err != nil {
			return nil, err
		}
		defer b.put(d)
		src = d
	}
	body, err := io.ReadAll(io.LimitReader(src, int64(limit)+1))
	switch {
	case errors.Is(err, errOverRaw), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded), len(body) > limit:
		raw.drain()
		return nil, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.Response().Header().Set("Connection", "close")
		return nil, fault.Wrap(syncproto.BodyInvalid, "请求体到得太慢 · The body came too slowly", err)
	case err != nil:
		return nil, fault.Wrap(syncproto.BodyInvalid, "请求体不完整或无法解压 · The body is cut or cannot be decompressed", err)
	}
	raw.done()
	return body, nil
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

func (b *bodyReader) decoder(src io.Reader) (*zstd.Decoder, error) {
	switch d := b.decoders.Get().(type) {
	case *zstd.Decoder:
		return d, d.Reset(src)
	case error:
		return nil, d
	}
	return nil, errors.New("zstd decoder is missing")
}

func (b *bodyReader) put(d *zstd.Decoder) {
	if d.Reset(nil) == nil {
		b.decoders.Put(d)
	}
}

// json reads a JSON body of at most MaxJSONBytes. Unknown members are
// tolerated; anything behind the value is not.
func (b *bodyReader) json(c echo.Context, into any) error {
	body, err := b.read(c, syncproto.TypeJSON, b.limits.MaxJSONBytes, "json_bytes")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.Wrap(syncproto.BodyInvalid, "请求体不是有效的 JSON · The body is not the JSON that this call takes", err)
	}
	return nil
}

var errOverRaw = errors.New("body is over the limit")

// pacedBody moves the connection's read deadline on as bytes come in, so that
// a body must arrive at a least rate after a first grace. Deadlines are the
// socket's: they follow the real clock.
type pacedBody struct {
	r      io.ReadCloser
	rc     *http.ResponseController
	limits Limits
	start  time.Time
	n      int64
	left   int64
}

func (p *pacedBody) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, errOverRaw
	}
	if int64(len(b)) > p.left {
		b = b[:p.left]
	}
	p.deadline()
	n, err := p.r.Read(b)
	p.n += int64(n)
	p.left -= int64(n)
	return n, err
}

func (p *pacedBody) deadline() {
	if p.limits.BodyGrace == 0 {
		return
	}
	due := p.limits.BodyGrace + time.Duration(p.n)*time.Second/time.Duration(max(p.limits.BodyRate, 1))
	_ = p.rc.SetReadDeadline(p.start.Add(due)) // a recorder in a test has none
}

// done lifts the deadline: the body is here, the handler may take its time.
// After a refusal it stays, for the rest that the HTTP server reads away.
func (p *pacedBody) done() { _ = p.rc.SetReadDeadline(time.Time{}) }

// drain reads a refused body's rest up to a bound, so that the caller gets to
// see the answer instead of a reset connection.
func (p *pacedBody) drain() {
	p.left = 16 << 20
	_, _ = io.Copy(io.Discard, p)
}
