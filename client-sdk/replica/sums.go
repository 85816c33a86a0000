package replica

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// Sums are the checksums of the server's rows here, per root and in total: what
// the server said, without mine. They prove that the two have the same versions
// of the same rows (section 6 of the protocol).
func (r *Replica) Sums(ctx context.Context, tx *sql.Tx) (roots []syncproto.Checksum, total syncproto.Checksum, err error) {
	acc := map[uuid.UUID]*sum{}
	for _, name := range r.names {
		if err := add(ctx, tx, acc, "SELECT '"+name+"', id, root, rev FROM "+r.tables[name].app+" WHERE mine = 0 AND rev > 0"); err != nil {
			return nil, total, err
		}
	}
	for _, q := range []string{
		`SELECT tbl, row, root, rev FROM base WHERE gone = 0 AND rev > 0`,
		`SELECT tbl, row, root, rev FROM aside WHERE known = 0`,
	} {
		if err := add(ctx, tx, acc, q); err != nil {
			return nil, total, err
		}
	}
	var all sum
	for root, s := range acc {
		roots = append(roots, syncproto.Checksum{Root: root, Count: s.count, Sum: format(s.value)})
		all.count, all.value = all.count+s.count, all.value+s.value
	}
	slices.SortFunc(roots, func(a, b syncproto.Checksum) int { return bytes.Compare(a.Root[:], b.Root[:]) })
	return roots, syncproto.Checksum{Count: all.count, Sum: format(all.value)}, nil
}

type sum struct {
	count int
	value uint64 // modulo 2^64
}

func add(ctx context.Context, tx *sql.Tx, acc map[uuid.UUID]*sum, query string) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("checksums: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		var id, root uuid.UUID
		var rev uint64
		if err := rows.Scan(&table, &id, &root, &rev); err != nil {
			return fmt.Errorf("checksums: %w", err)
		}
		s := acc[root]
		if s == nil {
			s = &sum{}
			acc[root] = s
		}
		s.count++
		s.value += version(table, id, rev)
	}
	return rows.Err()
}

// version is the first eight bytes of SHA-256(table ‖ 0x00 ‖ row ‖ uint64(rev)).
func version(table string, id uuid.UUID, rev uint64) uint64 {
	b := make([]byte, 0, len(table)+1+16+8)
	b = append(b, table...)
	b = append(b, 0)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, rev)
	h := sha256.Sum256(b)
	return binary.BigEndian.Uint64(h[:8])
}

func format(v uint64) string { return fmt.Sprintf("%016x", v) }
