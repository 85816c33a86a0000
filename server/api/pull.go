package api

import (
	"context"
	"fmt"
	"mime"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// pullsPerDevice is how many pages of one device are read at once; as many
// again wait. A phone needs one.
const pullsPerDevice = 2

// pull serves GET /v1/sync/pull: one page, the same for the same cursor until
// something changes.
func (s *Server) pull(c echo.Context, g auth.Grant) error {
	media, err := s.pageType(c)
	if err != nil {
		return err
	}
	q := c.QueryParams()
	limit, err := s.pageLimit(q.Get("limit"))
	if err != nil {
		return err
	}
	if g.Device.Schema, err = reads(q.Get("schema")); err != nil {
		return err
	}
	leave, err := s.pulls.enter(c.Request().Context(), g.Device.ID.String())
	if err != nil {
		return err
	}
	defer leave()
	return s.page(c, g, media, func(ctx context.Context) (*syncproto.Page, error) {
		page, err := s.cfg.Puller.Pull(ctx, g.Device, q.Get("cursor"), limit)
		if err != nil {
			return nil, fmt.Errorf("pull: %w", err)
		}
		return page, nil
	})
}

// reads is the version of the schema that a phone says it reads with; 0 where it
// says none, which is the server's own.
func reads(v string) (int, error) {
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, fault.New(syncproto.BodyInvalid, "schema 应为正整数 · schema must be a whole number above 0")
	}
	return n, nil
}

func (s *Server) pageLimit(v string) (int, error) {
	most := s.cfg.Limits.MaxPageRows
	if v == "" {
		return min(syncproto.DefaultPageRows, most), nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return 0, &fault.Error{Code: syncproto.LimitInvalid, Message: fmt.Sprintf("limit 应为 1 到 %d · limit must be from 1 to %d", most, most), Limit: "page_rows", Max: int64(most)}
	}
	return n, nil
}

// repair serves POST /v1/sync/repair: roots whose checksums differ come anew.
func (s *Server) repair(c echo.Context, g auth.Grant) error {
	media, err := s.pageType(c)
	if err != nil {
		return err
	}
	if g.Device.Schema, err = reads(c.QueryParam("schema")); err != nil {
		return err
	}
	var req RepairRequest
	if err := s.bodies.json(c, g.Device.ID.String(), &req); err != nil {
		return err
	}
	roots := make([]syncproto.Checksum, len(req.Roots))
	for i, r := range req.Roots {
		id, err := uuid.Parse(r.Root)
		if err != nil || len(r.Root) != 36 || r.Count < 0 || !hexDigits(r.Sum, 16) {
			return fault.New(syncproto.BodyInvalid, fmt.Sprintf("roots[%d] 格式不对 · roots[%d] is not {root, count, sum}", i, i))
		}
		roots[i] = syncproto.Checksum{Root: id, Count: r.Count, Sum: r.Sum}
	}
	leave, err := s.pulls.enter(c.Request().Context(), g.Device.ID.String())
	if err != nil {
		return err
	}
	defer leave()
	return s.page(c, g, media, func(ctx context.Context) (*syncproto.Page, error) {
		page, err := s.cfg.Puller.Repair(ctx, g.Device, roots)
		if err != nil {
			return nil, fmt.Errorf("repair: %w", err)
		}
		return page, nil
	})
}

// hexDigits says whether s is n lower-case hex digits.
func hexDigits(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}

// page reads a page in its turn and sends it: the place in the hall is free
// again before the first byte goes to a network that may be slow.
func (s *Server) page(c echo.Context, g auth.Grant, media string, read func(context.Context) (*syncproto.Page, error)) error {
	buf, back := s.buffers.take()
	out, err := s.readPage(c.Request().Context(), g, media, buf, read)
	if err != nil {
		return err
	}
	defer back(out)
	c.Response().Header().Set("Vary", "Accept, Accept-Encoding")
	return s.encoder.send(c, media, out)
}

func (s *Server) readPage(ctx context.Context, g auth.Grant, media string, buf []byte, read func(context.Context) (*syncproto.Page, error)) ([]byte, error) {
	leave, err := s.halls.pull.enter(ctx, g.Device.ID.String())
	if err != nil {
		return nil, err
	}
	defer leave()
	p, err := read(ctx)
	if err != nil {
		return nil, err
	}
	s.metrics.page(len(p.Rows))
	var out []byte
	if media == syncproto.TypeCBOR {
		out, err = pageWriter{s.codec}.page(buf, p)
	} else {
		out, err = marshalJSON(pageTree(p, jsonForm{s.cfg.Schema}))
	}
	if err != nil {
		return nil, fmt.Errorf("encode page: %w", err)
	}
	return out, nil
}

// pageType chooses between CBOR and JSON by the Accept header; JSON where the
// caller takes anything.
func (s *Server) pageType(c echo.Context) (string, error) {
	accept := strings.Join(c.Request().Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return syncproto.TypeJSON, nil
	}
	best, quality := "", 0.0
	for _, part := range strings.Split(accept, ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if v, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(v, 64); err != nil {
				continue
			}
		}
		switch media {
		case "*/*", "application/*":
			media = syncproto.TypeJSON
		case syncproto.TypeCBOR, syncproto.TypeJSON:
		default:
			continue
		}
		if q > quality {
			best, quality = media, q
		}
	}
	if best == "" {
		return "", fault.New(syncproto.TypeUnsupported, "只能回答 application/cbor 或 application/json · Accept must allow application/cbor or application/json")
	}
	return best, nil
}
