package main

import (
	"bytes"
	"context"
	"strings"

	"siteledger/syncproto"
)

// limits checks the 413 answers of sections 4 and 10, with the protocol's own
// limits.
func (s *site) limits() []check {
	m := func(name string, do func(context.Context) error) check { return check{"10", "", name, do} }
	l := syncproto.DefaultLimits()
	big := day(strings.Repeat("x", l.MaxChangeBytes-2048)) // over what the column takes, under the limit
	return []check{
		m("a change over 64 KiB: 413 change-too-large with limit and max", func(ctx context.Context) error {
			c, err := s.main.singles(s.main.seq+1, day(strings.Repeat("x", l.MaxChangeBytes+1)))
			if err != nil {
				return err
			}
			return s.refusedBatch(ctx, syncproto.ChangeTooLarge, s.main.batch(s.main.seq+1, s.main.head, c...))
		}),
		m("1,001 changes: 413 batch-too-long", func(ctx context.Context) error {
			edits := make([]edit, l.MaxBatchChanges+1)
			for i := range edits {
				edits[i] = day("多")
			}
			c, err := s.main.singles(s.main.seq+1, edits...)
			if err != nil {
				return err
			}
			return s.refusedBatch(ctx, syncproto.BatchTooLong, s.main.batch(s.main.seq+1, s.main.head, c...))
		}),
		m("a transaction over 1 MiB: 413 batch-too-large", func(ctx context.Context) error {
			edits := make([]edit, l.MaxTxnBytes/(l.MaxChangeBytes-2048)+1)
			for i := range edits {
				edits[i] = big
				edits[i].row = newID()
			}
			c, err := s.main.txn(s.main.seq+1, edits...)
			if err != nil {
				return err
			}
			return s.refusedBatch(ctx, syncproto.BatchTooLarge, s.main.batch(s.main.seq+1, s.main.head, c...))
		}),
		m("a batch over 4 MiB: 413 batch-too-large", func(ctx context.Context) error {
			edits := make([]edit, l.MaxBatchBytes/(l.MaxChangeBytes-2048)+1)
			for i := range edits {
				edits[i] = big
				edits[i].row = newID()
			}
			c, err := s.main.singles(s.main.seq+1, edits...)
			if err != nil {
				return err
			}
			return s.refusedBatch(ctx, syncproto.BatchTooLarge, s.main.batch(s.main.seq+1, s.main.head, c...))
		}),
		m("64 MiB of zeros in a small zstd body: 413, and it is not held in memory", func(ctx context.Context) error {
			_, a, err := s.main.pushBytes(ctx, s.zstd.EncodeAll(bytes.Repeat([]byte{0}, 64<<20), nil), "zstd")
			if err != nil {
				return err
			}
			return a.refused(syncproto.BatchTooLarge)
		}),
		m("exactly 1,000 changes are taken", func(ctx context.Context) error {
			edits := make([]edit, l.MaxBatchChanges)
			for i := range edits {
				edits[i] = day("千")
			}
			c, err := s.second.singles(s.second.seq+1, edits...)
			if err != nil {
				return err
			}
			_, err = s.second.soundPlain(ctx, c...)
			return err
		}),
	}
}
