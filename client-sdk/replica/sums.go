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
		if err := add(ctx, tx, acc, name, "SELECT id, root, rev FROM "+r.tables[name].app+" WHERE mine = 0 AND rev > 0"); err != nil {
			return nil, total, err
		}
	}
	for _, q := range []string{
		`SELECT row, root, rev, tbl FROM base WHERE gone = 0 AND rev > 0`,
		`SELECT row, root, rev, tbl FROM aside WHERE known = 0`,
	} {
		if err := add(ctx, tx, acc, "", q); err != nil {
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

// add sums up rows of a table; where it is "", the rows name it.
func add(ctx context.Context, tx *sql.Tx, acc map[uuid.UUID]*sum, table, query string) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("checksums: %w", err)
	}
	defer rows.Close()
	var id, root sql.RawBytes // without a copy of each: there are tens of thousands
	var rev int64
	into := []any{&id, &root, &rev}
	if table == "" {
		into = append(into, &table)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("checksums: %w", err)
		}
		if len(id) != 16 || len(root) != 16 {
			return fmt.Errorf("checksums: an id of %d bytes under one of %d", len(id), len(root))
		}
		s := acc[uuid.UUID(root)]
		if s == nil {
			s = &sum{}
			acc[uuid.UUID(root)] = s
		}
		s.count++
		s.value += version(table, uuid.UUID(id), uint64(rev))
	}
	return rows.Err()
}

// version is the first eight bytes of SHA-256(table ‖ 0x00 ‖ row ‖ uint64(rev)).
func version(table string, id uuid.UUID, rev uint64) uint64 {
	b := make([]byte, 0, 96) // enough for any: it stays off the heap
	b = append(b, table...)
	b = append(b, 0)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, rev)
	h := sha256.Sum256(b)
	return binary.BigEndian.Uint64(h[:8])
}

func format(v uint64) string { return fmt.Sprintf("%016x", v) }
