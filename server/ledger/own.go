package ledger

import (
	"bytes"
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/syncproto/changelog"
)

// CheckKey says whether this server signs with the key that signed the newest
// entry of a stream's office log. Servers of one database that sign with keys of
// their own would hand out receipts and sign-ins that the others refuse; the
// fault says what to copy. A stream without an entry passes.
func (l *Ledger) CheckKey(ctx context.Context, centre uuid.UUID) error {
	var newest []Batch
	err := l.Update(ctx, centre, func(tx Tx) error {
		stream, err := tx.Stream(ctx)
		if err != nil {
			return err
		}
		log, known, err := tx.Log(ctx, stream.OfficeDevice, stream.OfficeEpoch)
		if err != nil || !known || log.Acked == 0 {
			return err
		}
		newest, err = tx.Overlap(ctx, log.Device, log.Epoch, log.Acked, log.Acked)
		return err
	})
	if err != nil {
		return fmt.Errorf("newest entry of the office: %w", err)
	}
	for _, b := range newest {
		// Ed25519 signs the same message in the same way each time.
		if !bytes.Equal(l.Signer.Sign(changelog.PushMessage(b.Device, b.Epoch, b.Last, b.Head, b.Boot, b.Mono, b.Wall)), b.Signature) {
			return fault.New(fault.Invalid, "服务器签名密钥与数据库不符 · the signing key in keys/ is not the one that wrote this database").
				WithHint("copy keys/ of the server that made the database, or of its backup, into this data folder")
		}
	}
	return nil
}
