package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/labstack/echo/v4"
)

// compressFrom spares the work for what fits one packet anyway.
const compressFrom = 1200

// encoder sends pages, as zstd where the caller asks for it: a phone's network
// is slower than the server's processor.
type encoder struct{ zstd *zstd.Encoder }

func newEncoder() (*encoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, fmt.Errorf("zstd writer: %w", err)
	}
	return &encoder{zstd: z}, nil
}

func (e *encoder) send(c echo.Context, media string, body []byte) error {
	if len(body) >= compressFrom && takesZstd(c.Request()) {
		body = e.zstd.EncodeAll(body, nil)
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
