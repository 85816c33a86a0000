package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
)

// RowSum is one row's part of its root's checksum: the first eight bytes of
// SHA-256(table ‖ 0x00 ‖ row ‖ uint64(rev)). A root's sum is the sum of its
// rows' parts modulo 2^64.
func RowSum(table string, row uuid.UUID, rev uint64) uint64 {
	b := make([]byte, 0, len(table)+25)
	b = append(b, table...)
	b = append(b, 0)
	b = append(b, row[:]...)
	b = binary.BigEndian.AppendUint64(b, rev)
	h := sha256.Sum256(b)
	return binary.BigEndian.Uint64(h[:8])
}

// SumText is a checksum as it travels: 16 hex digits.
func SumText(sum uint64) string { return fmt.Sprintf("%016x", sum) }
