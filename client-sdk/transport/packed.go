package transport

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"siteledger/syncproto"
)

// ErrPacked: a server that said it takes packed changes refused these unread.
// That says nothing of the changes: the way out is [Client.Push] of the same
// batch, signed anew.
var ErrPacked = errors.New("the packed form was refused")

// TakesPacked says whether the next push may be packed: the last answer of the
// server says that it reads that form, and the last push in it did not fail.
// An old server never gets one; a server that was put back to an old build
// gets one at most.
func (c *Client) TakesPacked() bool { return c.packs.Load() && !c.plain.Load() }

// PushPacked sends a batch whose changes are packed (PROTOCOL.md, section 4). It
// gives [ErrPacked] where the batch is to be sent as it is at once. After any
// other failure that may hang on the form, a proxy's too, the next push is to
// go as it is.
func (c *Client) PushPacked(ctx context.Context, token string, req *syncproto.PushRequest, packed []byte) (*syncproto.PushAnswer, Times, error) {
	size := 0
	for _, b := range req.Changes {
		size += len(b)
	}
	body, err := c.cbor.Marshal(syncproto.PackedRequest{History: req.History, Device: req.Device, Epoch: req.Epoch, From: req.From, Prev: req.Prev,
		Head: req.Head, Signature: req.Signature, Boot: req.Boot, Mono: req.Mono, Wall: req.Wall, Packed: packed})
	if err != nil {
		return nil, Times{}, fmt.Errorf("push: write: %w", err)
	}
	media := mime.FormatMediaType(syncproto.TypePacked, map[string]string{"size": strconv.Itoa(size)})
	ans, t, err := c.push(ctx, token, body, media)
	if err == nil || errors.Is(err, ErrUnreachable) || errors.Is(err, context.Canceled) {
		return ans, t, err
	}
	p, ok := ProblemOf(err)
	if !ok || mayBeTheForm(p.Status) {
		c.plain.Store(true)
	}
	if ok && (p.Code == syncproto.TypeUnsupported || p.Code == syncproto.BodyInvalid || p.Code == syncproto.EnvelopeInvalid) {
		return nil, t, fmt.Errorf("%w: %w", ErrPacked, err)
	}
	return nil, t, err
}

// mayBeTheForm says whether a refusal may hang on the form of a push: all those
// that do not stand for its sender, its place in the log, its size or a server
// that has too much to do.
func mayBeTheForm(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge,
		http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return false
	}
	return true
}

func takesPacked(h http.Header) bool {
	for _, v := range strings.Split(h.Get(syncproto.HeaderAcceptPush), ",") {
		if strings.TrimSpace(v) == syncproto.TypePacked {
			return true
		}
	}
	return false
}
