package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"siteledger/syncproto"
	"siteledger/syncproto/pack"
)

// packed looks that a packed push is the plain one in other words. A server
// need not read that form.
func (s *site) packed(ctx context.Context) error {
	d := s.main
	plain := d.batch(1, d.heads[0], d.log[0])
	_, a, err := d.push(ctx, plain)
	if err != nil {
		return err
	}
	if !strings.Contains(a.header.Get(syncproto.HeaderAcceptPush), syncproto.TypePacked) {
		return absent("the server does not say that it reads packed pushes")
	}
	body, err := d.codec.Marshal(syncproto.PackedRequest{History: plain.History, Device: plain.Device, Epoch: plain.Epoch, From: plain.From, Prev: plain.Prev, Head: plain.Head,
		Signature: plain.Signature, Boot: plain.Boot, Mono: plain.Mono, Wall: plain.Wall, Packed: pack.Pack(plain.Changes, nil)})
	if err != nil {
		return err
	}
	size := len(d.log[0])
	for _, c := range []struct {
		params string
		want   syncproto.Code // empty for 200
	}{
		{fmt.Sprintf("; size=%d", size), ""},
		{fmt.Sprintf("; size=%d", size+1), syncproto.EnvelopeInvalid},
		{fmt.Sprintf("; size=%d", size-1), syncproto.EnvelopeInvalid},
		{"; size=1000000000", syncproto.BatchTooLarge},
		{"", syncproto.TypeUnsupported},
	} {
		got, err := d.call(ctx, http.MethodPost, syncproto.PathPush, d.answer.AccessToken, d.zstd.EncodeAll(body, nil), "Content-Type", syncproto.TypePacked+c.params, "Content-Encoding", "zstd")
		switch {
		case err != nil:
			return err
		case c.want != "":
			err = got.refused(c.want)
		case got.status != http.StatusOK:
			err = differs("200", got)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
