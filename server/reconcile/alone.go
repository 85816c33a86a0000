package reconcile

import (
	"context"
	"fmt"

	"siteledger/syncproto"
)

// Alone runs one transaction's fold and its storing under a savepoint. refused
// says that what the transaction holds cannot be stored, or folded, whoever
// tries: its effects are undone and it is held, internal (PROTOCOL.md, section
// 4). err is any other failure (a full disk, a lost connection, a context that
// ended) and ends the batch.
//
// It is the slow way: a batch is folded as a whole first, and only a batch
// that failed is folded again like this, to find the one transaction at fault.
// Nothing that a phone can send may stop its log for ever (promise P4).
type Alone func(ctx context.Context, fn func() error) (refused, err error)

// one folds one transaction of a batch.
func (f *Fold) one(ctx context.Context, t txn, whole bool) error {
	if t.Alone == nil {
		return f.txn(ctx, t, whole)
	}
	before := f.snapshot()
	refused, err := t.Alone(ctx, func() error {
		if err := f.txn(ctx, t, whole); err != nil {
			return err
		}
		return f.apply(ctx)
	})
	if err != nil || refused == nil {
		return err
	}
	f.rollback(0, before)
	f.effects = Effects{}
	refused, err = t.Alone(ctx, func() error {
		if err := f.fail(ctx, t, &finding{code: syncproto.Held, reason: syncproto.InternalFault, en: "the server could not store this"}); err != nil {
			return err
		}
		return f.apply(ctx)
	})
	if refused != nil {
		return fmt.Errorf("hold a transaction that cannot be folded: %w", refused)
	}
	return err
}
