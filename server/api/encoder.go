package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/labstack/echo/v4"
)

// compressFrom spares the work for what fits one packet anyway.
const compressFrom = 1200

// encoder sends pages, as zstd where the caller asks for it: a phone's network
// is slower than the server's processor.
type encoder struct {
	zstd    *zstd.Encoder
	buffers *buffers
}

// buffers are those that pages are written in.
type buffers struct{ pool sync.Pool }

// keptBuffer bounds what is kept of a buffer: most pages are smaller, and a rare
// large one must not stay.
const keptBuffer = 1 << 20

// take gives an empty buffer and what gives it back, grown or not, when nobody
// reads it any more. One that is not given back is no loss.
func (p *buffers) take() (buf []byte, back func([]byte)) {
	held, ok := p.pool.Get().(*[]byte)
	if !ok {
		held = new([]byte)
	}
	return (*held)[:0], func(b []byte) {
		if cap(b) <= keptBuffer {
			*held = b
			p.pool.Put(held)
		}
	}
}

func newEncoder(b *buffers) (*encoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd writer: %w", err)
	}
	return &encoder{zstd: z, buffers: b}, nil
}

func (e *encoder) send(c echo.Context, media string, body []byte) error {
	if len(body) >= compressFrom && takesZstd(c.Request()) {
		buf, back := e.buffers.take()
		body = e.zstd.EncodeAll(body, buf)
		defer func() { back(body) }()
		c.Response().Header().Set("Content-Encoding", "zstd")
	}
	return c.Blob(http.StatusOK, media, body)
}

func takesZstd(r *http.Request) bool {
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "zstd") {
			return strings.ReplaceAll(params, " ", "") != "q=0"
		}
	}
	return false
}
