package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"siteledger/syncproto"
)

// Limits of answers in bytes, and of time. The server's own limits are far
// below; these keep a broken or hostile one from filling the phone's memory.
const (
	maxJSON    = 4 << 20
	maxPush    = 8 << 20
	maxPage    = 64 << 20
	maxHeaders = 64 << 10
	// callTimeout is for one request of a few KiB to 4 MiB, answer included: 4 MiB
	// at 40 kB/s.
	callTimeout = 2 * time.Minute
	// stallTimeout ends an upload or an event stream on which nothing moves. The
	// server sends a comment every 20 s.
	stallTimeout = 65 * time.Second
)

// Client sends requests to one server. It is safe for concurrent use.
type Client struct {
	base *url.URL
	http *http.Client
	now  func() time.Time
	enc  *zstd.Encoder
	cbor cbor.EncMode
	dec  cbor.DecMode

	packs atomic.Bool // the last answer said that packed pushes are taken
	plain atomic.Bool // the last packed push failed; the next one goes as it is

	schema string // version that pulls ask for; empty asks for the server's own

	traces traces
	unzstd sync.Pool // of *zstd.Decoder
}

// New makes a client of the server at base. httpClient's redirects and cookies
// are not used. rand is read once, for the ids of requests.
func New(base string, httpClient *http.Client, now func() time.Time, rand io.Reader) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("server address %q: want http://host or https://host", base)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	em, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, fmt.Errorf("cbor: %w", err)
	}
	dm, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		IntDec:           cbor.IntDecConvertSignedOrFail,
		MaxNestedLevels:  16,
		MaxArrayElements: 1 << 20,
		MaxMapPairs:      1 << 16,
	}.DecMode()
	if err != nil {
		return nil, fmt.Errorf("cbor: %w", err)
	}
	c := *httpClient
	c.Jar = nil
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	out := &Client{base: u, http: &c, now: now, enc: enc, cbor: em, dec: dm}
	return out, out.traces.start(rand)
}

// Reads names the version of the schema that pulls and repairs ask for. It is
// to be called before the first of them.
func (c *Client) Reads(version int) { c.schema = strconv.Itoa(version) }

// call is one request to the sync server and what a good answer looks like.
type call struct {
	method, path string
	query        url.Values
	token        string
	body         []byte
	bodyType     string
	zstd         bool   // the body travels compressed
	takesZstd    bool   // the answer may
	once         bool   // may not be sent again by itself on a connection that was closing
	want         int    // status of success
	answerType   string // media type of success
	max          int64  // bytes of the answer
}

// Times are the two ends of one exchange by the phone's clock, and the server's
// time between them where the answer says it.
type Times struct {
	Sent, Got time.Time
	Server    time.Time // zero where unknown; whole seconds
}

// Offset is server time minus phone time, to half a round trip plus half the
// second that the answer's header leaves open. It is false where unknown.
func (t Times) Offset() (time.Duration, bool) {
	if t.Server.IsZero() {
		return 0, false
	}
	middle := t.Sent.Add(t.Got.Sub(t.Sent) / 2)
	return t.Server.Add(500 * time.Millisecond).Sub(middle), true
}

func (c *Client) do(ctx context.Context, k call) ([]byte, Times, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := c.request(ctx, k)
	if err != nil {
		return nil, Times{}, err
	}
	body, t, err := c.send(ctx, req, k)
	if err != nil {
		return nil, t, &traced{id: req.Header.Get(headerRequest), err: err}
	}
	return body, t, nil
}

func (c *Client) send(ctx context.Context, req *http.Request, k call) ([]byte, Times, error) {
	t := Times{Sent: c.now()}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, t, unreachable(ctx, err)
	}
	defer res.Body.Close()
	c.packs.Store(takesPacked(res.Header))
	if res.StatusCode != k.want {
		return nil, t, refusal(res, c.now())
	}
	if got := mediaType(res.Header); got != k.answerType {
		return nil, t, fmt.Errorf("%w: type %q instead of %s", ErrForeign, res.Header.Get("Content-Type"), k.answerType)
	}
	body, err := c.answer(ctx, res, k)
	if err != nil {
		return nil, t, err
	}
	t.Got = c.now()
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		t.Server = at
	}
	return body, t, nil
}

// answer reads a good answer's bytes, within its limit also when unpacked.
func (c *Client) answer(ctx context.Context, res *http.Response, k call) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, k.max+1))
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	if k.takesZstd && res.Header.Get("Content-Encoding") == "zstd" {
		if body, err = c.unpack(body); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForeign, err)
		}
	}
	if int64(len(body)) > k.max {
		return nil, fmt.Errorf("%w: the answer is over %d bytes", ErrForeign, k.max)
	}
	return body, nil
}

func (c *Client) unpack(body []byte) ([]byte, error) {
	d, ok := c.unzstd.Get().(*zstd.Decoder)
	if !ok {
		var err error
		d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderMaxMemory(maxPage))
		if err != nil {
			return nil, err
		}
	}
	defer c.unzstd.Put(d)
	return d.DecodeAll(body, nil)
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	u := *c.base
	u.Path += k.path
	u.RawQuery = k.query.Encode()
	body := k.body
	if k.zstd {
		body = c.enc.EncodeAll(body, nil)
	}
	var r io.Reader = http.NoBody
	if len(body) > 0 {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), r)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if k.bodyType != "" {
		req.Header.Set("Content-Type", k.bodyType)
	}
	if k.zstd {
		req.Header.Set("Content-Encoding", "zstd")
	}
	req.Header.Set(headerRequest, c.traces.next())
	if k.takesZstd {
		req.Header.Set("Accept-Encoding", "zstd")
	}
	if !k.once {
		// Every call but one may be repeated. Go's client then does so by itself
		// where a kept connection turns out to be closing, as it is when a server
		// is restarted; the header itself is not sent.
		req.Header["Idempotency-Key"] = nil
	}
	req.Header.Set("Accept", k.answerType+", "+syncproto.TypeProblem)
	if k.token != "" {
		req.Header.Set("Authorization", "Bearer "+k.token)
	}
	return req, nil
}

// unreachable keeps the caller's own cancelling apart from the network's faults.
func unreachable(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// json sends and reads JSON.
func (c *Client) json(ctx context.Context, path, token string, want int, in, out any) (Times, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return Times{}, fmt.Errorf("write request: %w", err)
	}
	answer, t, err := c.do(ctx, call{method: http.MethodPost, path: path, token: token, body: b, bodyType: syncproto.TypeJSON,
		once: path == syncproto.PathReceipts, want: want, answerType: syncproto.TypeJSON, max: maxJSON})
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return t, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return t, nil
}
