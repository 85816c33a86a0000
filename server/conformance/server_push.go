package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

func flip(b []byte) []byte {
	c := bytes.Clone(b)
	c[len(c)/2] ^= 1
	return c
}

// pushes checks the table of situations of section 4 on the first installer's
// log.
func (s *site) pushes() []check {
	m := func(promise, name string, do func(context.Context) error) check { return check{"4", promise, name, do} }
	return []check{
		m("P1", "a first push: 200, acked, head, and a signed receipt for history, device, epoch, acked and head", s.firstPush),
		m("P2", "the same bytes again: 200, the same acked and outcomes", s.again),
		m("P2", "an overlap that goes further: only what is new is taken", s.overlap),
		m("P2", "the same batch from four connections at once: each 200, taken once", s.atOnce),
		m("P3", "a gap: 409 log-gap with acked and head", s.gap),
		m("P11", "an overlap that differs: 409 log-forked with common, nothing applied", s.fork),
		m("P11", "only prev differs: 409 log-forked with common at most from − 2", s.forkByPrev),
		m("P11", "another history: 409 history-changed with the server's history and acked", s.otherHistory),
		m("P8", "a changed signature: 422 signature-invalid", func(ctx context.Context) error {
			return s.broken(ctx, syncproto.SignatureInvalid, func(r *syncproto.PushRequest) { r.Signature = flip(r.Signature) })
		}),
		m("P8", "a signature by another key: 422 signature-invalid", func(ctx context.Context) error {
			return s.broken(ctx, syncproto.SignatureInvalid, func(r *syncproto.PushRequest) { s.second.sign(r) })
		}),
		m("P8", "each of the signed sending clocks changed: 422 signature-invalid", func(ctx context.Context) error {
			for _, alter := range []func(*syncproto.PushRequest){
				func(r *syncproto.PushRequest) { r.Boot = flip(r.Boot) }, func(r *syncproto.PushRequest) { r.Mono++ }, func(r *syncproto.PushRequest) { r.Wall-- }, func(r *syncproto.PushRequest) { r.Epoch = flip(r.Epoch) },
			} {
				if err := s.broken(ctx, syncproto.SignatureInvalid, alter); err != nil {
					return err
				}
			}
			return nil
		}),
		m("P8", "a change exchanged under a right signature of the head: 422 chain-broken", func(ctx context.Context) error {
			return s.broken(ctx, syncproto.ChainBroken, func(r *syncproto.PushRequest) { r.Changes = [][]byte{flip(r.Changes[0])} })
		}),
		m("P3", "a batch cut inside a transaction: 422 envelope-invalid", func(ctx context.Context) error {
			changes, err := s.main.txn(s.main.seq+1, day("一"), day("二"))
			if err != nil {
				return err
			}
			return s.refusedBatch(ctx, syncproto.EnvelopeInvalid, s.main.batch(s.main.seq+1, s.main.head, changes[0]))
		}),
		m("", "an empty batch: 422 envelope-invalid", func(ctx context.Context) error {
			return s.refusedBatch(ctx, syncproto.EnvelopeInvalid, s.main.batch(s.main.seq+1, s.main.head))
		}),
		m("", "fields of wrong sizes, from 0: 422 envelope-invalid", s.wrongSizes),
		m("P7", "a batch of another device under this token: 403 wrong-device", func(ctx context.Context) error {
			return s.broken(ctx, syncproto.WrongDevice, func(r *syncproto.PushRequest) { r.Device = s.second.answer.Device[:]; s.main.sign(r) })
		}),
		m("P11", "another epoch of the device is another log, and the older one still takes re-sends", s.secondEpoch),
		m("P1", "after all of that the log goes on where it stood", func(ctx context.Context) error {
			_, err := s.main.write(ctx, day("还在"))
			return err
		}),
	}
}

func (s *site) firstPush(ctx context.Context) error {
	d := s.main
	one := day("一")
	s.summary = one.row
	got, err := d.write(ctx, one, day("二"), day("三"))
	if err != nil {
		return err
	}
	if !bytes.Equal(got.Head, d.head[:]) || !bytes.Equal(got.Sent, d.head[:]) {
		return differs(fmt.Sprintf("head and sent %x", d.head), fmt.Sprintf("%x and %x", got.Head, got.Sent))
	}
	if len(got.Outcomes) != 0 || got.ServerTime <= 0 || got.HLC == 0 {
		return differs("no outcomes, a server time and an hlc", fmt.Sprintf("%+v", got))
	}
	var r syncproto.LogReceipt
	if err := d.open(got.Receipt, &r); err != nil {
		return err
	}
	want := syncproto.LogReceipt{History: d.answer.History, Device: d.answer.Device, Epoch: d.epoch, Acked: 3, Head: hex.EncodeToString(d.head[:]), At: r.At}
	if r != want || r.At <= 0 {
		return differs(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", r))
	}
	return nil
}

func (s *site) again(ctx context.Context) error {
	d := s.main
	if len(d.log) == 0 {
		return differs("a log that was pushed", "none")
	}
	for n := len(d.log); n > 0; n-- {
		got, a, err := d.push(ctx, d.batch(1, d.heads[0], d.log[:n]...))
		if err != nil {
			return err
		}
		if a.status != 200 || got.Acked != d.seq || !bytes.Equal(got.Head, d.head[:]) || !bytes.Equal(got.Sent, d.heads[n][:]) {
			return differs(fmt.Sprintf("200, acked %d, sent %x", d.seq, d.heads[n]), fmt.Sprintf("%s, acked %d, sent %x", a, got.Acked, got.Sent))
		}
	}
	return nil
}

func (s *site) overlap(ctx context.Context) error {
	d := s.main
	next, err := d.singles(d.seq+1, day("四"))
	if err != nil {
		return err
	}
	got, a, err := d.push(ctx, d.batch(2, d.heads[1], append(slices.Clone(d.log[1:]), next...)...))
	if err != nil {
		return err
	}
	if a.status != 200 || got.Acked != d.seq+1 {
		return differs(fmt.Sprintf("200, acked %d", d.seq+1), fmt.Sprintf("%s, acked %d", a, got.Acked))
	}
	_, err = d.sound(ctx, next...) // the log moves on by bytes that are there already
	return err
}

func (s *site) atOnce(ctx context.Context) error {
	d := s.main
	next, err := d.singles(d.seq+1, day("五"), day("六"))
	if err != nil {
		return err
	}
	r := d.batch(d.seq+1, d.head, next...)
	type result struct {
		got syncproto.PushAnswer
		a   answer
		err error
	}
	results := make(chan result)
	for range 4 {
		go func() {
			got, a, err := d.push(ctx, r)
			results <- result{got, a, err}
		}()
	}
	var bad error
	for range 4 {
		r := <-results
		if r.err != nil {
			bad = r.err
		} else if r.a.status != 200 || r.got.Acked != d.seq+2 || len(r.got.Outcomes) != 0 {
			bad = differs(fmt.Sprintf("200, acked %d", d.seq+2), fmt.Sprintf("%s, acked %d", r.a, r.got.Acked))
		}
	}
	if bad != nil {
		return bad
	}
	_, err = d.sound(ctx, next...)
	return err
}

func (s *site) gap(ctx context.Context) error {
	d := s.main
	c, err := d.singles(d.seq+3, day("跳"))
	if err != nil {
		return err
	}
	_, a, err := d.push(ctx, d.batch(d.seq+3, d.head, c...))
	if err != nil {
		return err
	}
	if err := a.refused(syncproto.LogGap); err != nil {
		return err
	}
	if a.problem.Acked == nil || *a.problem.Acked != d.seq || a.problem.Head != hex.EncodeToString(d.head[:]) {
		return differs(fmt.Sprintf("acked %d, head %x", d.seq, d.head), fmt.Sprintf("%s, head %s", a, a.problem.Head))
	}
	return nil
}

func (s *site) fork(ctx context.Context) error {
	d := s.main
	c, err := d.singles(3, day("另一个三"), day("另一个四"))
	if err != nil {
		return err
	}
	_, a, err := d.push(ctx, d.batch(3, d.heads[2], c...))
	if err != nil {
		return err
	}
	if err := a.refused(syncproto.LogForked); err != nil {
		return err
	}
	if a.problem.Common == nil || *a.problem.Common != 2 {
		return differs("common 2", a)
	}
	return s.again(ctx)
}

func (s *site) forkByPrev(ctx context.Context) error {
	d := s.main
	c, err := d.singles(d.seq+1, day("接错"))
	if err != nil {
		return err
	}
	_, a, err := d.push(ctx, d.batch(d.seq+1, changelog.Hash(flip(d.head[:])), c...))
	if err != nil {
		return err
	}
	if err := a.refused(syncproto.LogForked); err != nil {
		return err
	}
	if a.problem.Common == nil || *a.problem.Common > d.seq-1 {
		return differs(fmt.Sprintf("common at most %d", d.seq-1), a)
	}
	return nil
}

func (s *site) otherHistory(ctx context.Context) error {
	d := s.main
	c, err := d.singles(d.seq+1, day("旧"))
	if err != nil {
		return err
	}
	r := d.batch(d.seq+1, d.head, c...)
	r.History = flip(r.History)
	_, a, err := d.push(ctx, r)
	if err != nil {
		return err
	}
	if err := a.refused(syncproto.HistoryChanged); err != nil {
		return err
	}
	if a.problem.History != d.answer.History.String() || a.problem.Acked == nil || *a.problem.Acked != d.seq {
		return differs(fmt.Sprintf("history %s, acked %d", d.answer.History, d.seq), fmt.Sprintf("%s, history %s", a, a.problem.History))
	}
	return nil
}

// broken sends a sound batch of one change, altered, and wants it refused and
// the log where it was.
func (s *site) broken(ctx context.Context, code syncproto.Code, alter func(*syncproto.PushRequest)) error {
	d := s.main
	c, err := d.singles(d.seq+1, day("坏"))
	if err != nil {
		return err
	}
	r := d.batch(d.seq+1, d.head, c...)
	alter(r)
	return s.refusedBatch(ctx, code, r)
}

func (s *site) refusedBatch(ctx context.Context, code syncproto.Code, r *syncproto.PushRequest) error {
	d := s.main
	_, a, err := d.push(ctx, r)
	if err != nil {
		return err
	}
	if err := a.refused(code); err != nil {
		return err
	}
	got, a, err := d.push(ctx, d.batch(1, d.heads[0], d.log[:1]...))
	if err != nil {
		return err
	}
	if a.status != 200 || got.Acked != d.seq {
		return differs(fmt.Sprintf("nothing applied: acked %d", d.seq), fmt.Sprintf("%s, acked %d", a, got.Acked))
	}
	return nil
}

func (s *site) wrongSizes(ctx context.Context) error {
	for _, alter := range []func(*syncproto.PushRequest){
		func(r *syncproto.PushRequest) { r.Prev = r.Prev[:31] },
		func(r *syncproto.PushRequest) { r.Head = append(bytes.Clone(r.Head), 0) },
		func(r *syncproto.PushRequest) { r.Signature = r.Signature[:10] },
		func(r *syncproto.PushRequest) { r.Epoch = r.Epoch[:15] },
		func(r *syncproto.PushRequest) { r.Boot = nil },
		func(r *syncproto.PushRequest) { r.History = nil },
		func(r *syncproto.PushRequest) { r.From = 0; s.main.sign(r) },
	} {
		if err := s.broken(ctx, syncproto.EnvelopeInvalid, alter); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) secondEpoch(ctx context.Context) error {
	d := s.main
	first := *d
	d.start(newID())
	if _, err := d.write(ctx, day("新纪元")); err != nil {
		*d = first
		return err
	}
	*d = first
	return s.again(ctx)
}

// sameOutcomes wants outcomes equal, case ids included.
func sameOutcomes(a, b []syncproto.Outcome) error {
	if !reflect.DeepEqual(a, b) {
		return differs(fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b))
	}
	return nil
}
