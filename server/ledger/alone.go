package ledger

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/reconcile"
)

// foldError says that folding a batch, or storing what it did, failed, as
// opposed to anything before and after.
type foldError struct{ cause error }

func (e *foldError) Error() string { return e.cause.Error() }

// Unwrap gives the cause.
func (e *foldError) Unwrap() error { return e.cause }

func folded(err error) error {
	if err == nil {
		return nil
	}
	return &foldError{err}
}

// folding runs fn in the stream's transaction. Where its fold fails, it is run
// once more in the slow way, each transaction of the phone under a savepoint of
// its own, so that the one at fault is held (internal) and no other; what fails
// then too (a full disk, a lost connection) is the answer.
func (l *Ledger) folding(ctx context.Context, stream uuid.UUID, fn func(tx Tx, alone reconcile.Alone) error) error {
	err := l.Update(ctx, stream, func(tx Tx) error { return fn(tx, nil) })
	var raised *fault.Error
	if err == nil || ctx.Err() != nil || errors.As(err, &raised) || !ofTheFold(err) {
		return err
	}
	return l.Update(ctx, stream, func(tx Tx) error { return fn(tx, tx.Alone) })
}

// ofTheFold says that the fold failed, or the database about what it wrote,
// which an engine that takes statements in a queue says as late as the commit.
func ofTheFold(err error) bool {
	var fold *foldError
	var state interface{ SQLState() string }
	return errors.As(err, &fold) || errors.As(err, &state) && len(state.SQLState()) == 5
}
