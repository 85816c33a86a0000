package attachment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"siteledger/syncproto"
)

// Rule is which originals may go over a network that costs money. Previews,
// signatures and papers always may: they are small, and the office works with
// them.
type Rule string

// The rules.
const (
	AnyNetwork Rule = "any"   // all originals go
	LargeWait  Rule = "large" // those over [LargeOriginal] wait
	WiFiOnly   Rule = "wifi"  // all originals wait
)

// DefaultRule lets an ordinary photo through: the office has it within minutes,
// at some 50 MB on a day of a dozen photos. A panorama waits.
const DefaultRule = LargeWait

// LargeOriginal is the size in bytes above which an original counts as large:
// more than a phone's camera makes of an ordinary picture.
const LargeOriginal = 8 << 20

// ErrRule: no such rule.
var ErrRule = errors.New("there is no such rule for uploads")

// Largest is the size in bytes of the largest original that may go now.
func (r Rule) Largest(metered bool) int64 {
	switch {
	case !metered || r == AnyNetwork:
		return math.MaxInt64
	case r == WiFiOnly:
		return 0
	}
	return LargeOriginal
}

// always says whether a purpose goes over any network.
func always(purpose string) bool {
	return purpose == syncproto.PurposePreview || purpose == syncproto.PurposeSignature || purpose == syncproto.PurposeReceipt
}

// MayGo says whether a photo may go over a network that takes originals up to
// a size.
func (b Blob) MayGo(largest int64) bool { return always(b.Purpose) || b.Anyhow || b.Size <= largest }

// mayGo is [Blob.MayGo] in SQL; $1 is the size.
const mayGo = `(purpose IN ('preview', 'signature', 'receipt') OR anyhow = 1 OR size <= $1)`

// Rule reads the rule; [DefaultRule] where nobody chose one.
func (s *Store) Rule(ctx context.Context, tx *sql.Tx) (Rule, error) {
	var r Rule
	err := tx.QueryRowContext(ctx, `SELECT originals FROM upload_rule WHERE id = 1`).Scan(&r)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return DefaultRule, nil
	case err != nil:
		return "", fmt.Errorf("rule for uploads: %w", err)
	}
	return r, nil
}

// SetRule chooses a rule, until the person signs out. [ErrRule] for none of the
// three.
func (s *Store) SetRule(ctx context.Context, tx *sql.Tx, r Rule) error {
	if r != AnyNetwork && r != LargeWait && r != WiFiOnly {
		return fmt.Errorf("%w: %q", ErrRule, r)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO upload_rule (id, originals)
		VALUES (1, $1)
		ON CONFLICT (id) DO UPDATE
		SET originals = excluded.originals`, string(r)); err != nil {
		return fmt.Errorf("choose a rule for uploads: %w", err)
	}
	return nil
}

// First puts a photo before other originals; with anyhow it also goes over any
// network. It waits for its turn, behind what is small. False where this phone
// does not have it, or needs it no more.
func (s *Store) First(ctx context.Context, tx *sql.Tx, sha []byte, anyhow bool) (bool, error) {
	res, err := tx.ExecContext(ctx, `
		UPDATE blob
		SET place = min(place, $1), next_at = 0, anyhow = max(anyhow, $2)
		WHERE sha256 = $3 AND state IN ('queued', 'uploading', 'attention')`, first, anyhow, sha)
	if err != nil {
		return false, fmt.Errorf("move a file up: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
