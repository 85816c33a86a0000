package ledger_test

import (
	"context"
	"database/sql"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"siteledger/server/ledger"
)

// rewrite alters a stored batch as a hand in the database would.
func (w *world) rewrite(b ledger.Batch, changes [][]byte) {
	w.Helper()
	raw, err := cbor.Marshal(changes)
	if err != nil {
		w.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		w.Fatal(err)
	}
	body := enc.EncodeAll(raw, nil)
	err = w.st.Update(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE ledger SET body = $1 WHERE centre = $2 AND pos = $3", body, b.Centre[:], int64(b.Pos))
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

// spoil alters the database behind the server's back.
func (w *world) spoil(text string, args ...any) {
	w.Helper()
	err := w.st.Update(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(text, args...)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}
