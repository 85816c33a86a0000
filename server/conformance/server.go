package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// site is the server under test with the phones that the checks use.
type site struct {
	options
	*caller
	main    *device   // first installer
	second  *device   // the same installer's second phone
	other   *device   // another installer's; nil where there is no code
	summary uuid.UUID // a row of the first push
	job     *job      // of the first installer, known from §5 on
}

// checkServer runs all checks of a server.
func checkServer(ctx context.Context, o options) ([]row, error) {
	c, err := newCaller(o.server)
	if err != nil {
		return nil, err
	}
	s := &site{options: o, caller: c}
	for _, d := range []**device{&s.main, &s.second, &s.other} {
		if *d, err = newDevice(c); err != nil {
			return nil, err
		}
	}
	rows := judge(ctx, slices.Concat(
		s.enrolment(), s.schema(), s.pushes(), s.encodings(), s.limits(), s.outcomes(), s.merges(), s.pulls(), s.repairs(), s.events(), s.blobs(), s.problems(), s.sessions()))
	if s.options.keep != "" {
		return rows, s.keep(ctx, s.options.keep)
	}
	return rows, nil
}

// enrolled says why a check of the other installer can't be made.
func (s *site) hasOther() error {
	if s.options.other == "" {
		return absent("needs -other, a code of another installer")
	}
	return nil
}

func (s *site) enrolment() []check {
	m := func(name string, do func(context.Context) error) check { return check{"8", "", name, do} }
	return []check{
		m("enrolment with a wrong proof: 422 signature-invalid, and the code is not used up", func(ctx context.Context) error {
			b := s.main.enrolBody(s.codes[0], nil)
			b.Proof = append([]byte{b.Proof[0] ^ 1}, b.Proof[1:]...)
			a, err := s.post(ctx, syncproto.PathEnrol, "", b, nil)
			if err != nil {
				return err
			}
			return a.refused(syncproto.SignatureInvalid)
		}),
		m("enrolment: 201 with device, person, centre, history, tokens, keys and receipt ranges", s.enrolFirst),
		m("the same code with the same key gives the same device again (lost answer)", func(ctx context.Context) error {
			before := s.main.answer.Device
			a, err := s.main.enrol(ctx, s.codes[0], nil)
			if err != nil {
				return err
			}
			if a.status != 201 || s.main.answer.Device != before {
				return differs("201, device "+before.String(), fmt.Sprintf("%s, device %s", a, s.main.answer.Device))
			}
			return nil
		}),
		m("a used code with another key: 422 code-invalid", func(ctx context.Context) error {
			stranger, err := newDevice(s.caller)
			if err != nil {
				return err
			}
			a, err := stranger.enrol(ctx, s.codes[0], nil)
			if err != nil {
				return err
			}
			return a.refused(syncproto.CodeInvalid)
		}),
		m("an unknown code and an empty one answer alike: 422 code-invalid", func(ctx context.Context) error {
			for _, code := range []string{"AAAA-AAAA-AAAA-AAAA", ""} {
				stranger, err := newDevice(s.caller)
				if err != nil {
					return err
				}
				a, err := stranger.enrol(ctx, code, nil)
				if err != nil {
					return err
				}
				if err := a.refused(syncproto.CodeInvalid); err != nil {
					return err
				}
			}
			return nil
		}),
		m("a second phone of the same person is another device", func(ctx context.Context) error {
			a, err := s.second.enrol(ctx, s.codes[1], nil)
			if err != nil {
				return err
			}
			if a.status != 201 || s.second.answer.Device == s.main.answer.Device || s.second.answer.Person != s.main.answer.Person {
				return differs("201, another device, the same person", a)
			}
			return nil
		}),
		m("another person's phone", func(ctx context.Context) error {
			if err := s.hasOther(); err != nil {
				return err
			}
			a, err := s.other.enrol(ctx, s.options.other, nil)
			if err != nil {
				return err
			}
			if a.status != 201 || s.other.answer.Person == s.main.answer.Person {
				return differs("201, another person", a)
			}
			return nil
		}),
		m("receipt numbers: no call gives a number twice", s.receiptRanges),
	}
}

func (s *site) enrolFirst(ctx context.Context) error {
	a, err := s.main.enrol(ctx, s.codes[0], nil)
	if err != nil {
		return err
	}
	e := s.main.answer
	switch {
	case a.status != 201:
		return differs(201, a)
	case e.Device.Version() != 7:
		return differs("a device id of UUID version 7", e.Device)
	case e.AccessToken == "" || e.RefreshToken == "" || e.ExpiresIn < 1 || e.ExpiresIn > 900:
		return differs("tokens, the access token for 1 to 900 s", fmt.Sprintf("%d s", e.ExpiresIn))
	case len(e.ServerKeys) == 0 || len(e.ServerKeys[0].PublicKey) != 32:
		return differs("a server key of 32 bytes", fmt.Sprintf("%d keys", len(e.ServerKeys)))
	case len(e.ReceiptRanges) == 0 || e.Schema < 1:
		return differs("receipt ranges and a schema version", fmt.Sprintf("%v, %d", e.ReceiptRanges, e.Schema))
	}
	return nil
}

func (s *site) receiptRanges(ctx context.Context) error {
	seen := map[string]bool{}
	take := func(ranges []syncproto.ReceiptRange) error {
		for _, r := range ranges {
			if r.From < 1 || r.To < r.From || r.To-r.From > 100_000 {
				return differs("a range", fmt.Sprintf("%+v", r))
			}
			for n := r.From; n <= r.To; n++ {
				no := fmt.Sprintf("%s-%d", r.Prefix, n)
				if seen[no] {
					return differs("a number once", no+" twice")
				}
				seen[no] = true
			}
		}
		return nil
	}
	if err := take(s.main.answer.ReceiptRanges); err != nil {
		return err
	}
	for _, d := range []*device{s.main, s.second, s.main} {
		var got syncproto.ReceiptsAnswer
		a, err := d.post(ctx, syncproto.PathReceipts, d.answer.AccessToken, struct{}{}, &got)
		if err != nil {
			return err
		}
		if a.status != 200 || len(got.ReceiptRanges) == 0 {
			return differs("200 with ranges", a)
		}
		if err := take(got.ReceiptRanges); err != nil {
			return err
		}
	}
	return nil
}
