package store

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"
)

// wholeNumber is BIGINT that also stands for yes and no, as INTEGER does on
// SQLite: true is written as 1, and any number but 0 is read as true.
type wholeNumber struct{ pgtype.Int8Codec }

// PlanEncode implements pgtype.Codec.
func (n wholeNumber) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(bool); ok {
		return writeFlag{format}
	}
	return n.Int8Codec.PlanEncode(m, oid, format, value)
}

// PlanScan implements pgtype.Codec.
func (n wholeNumber) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*bool); ok {
		return readFlag{format}
	}
	return n.Int8Codec.PlanScan(m, oid, format, target)
}

type writeFlag struct{ format int16 }

// Encode implements pgtype.EncodePlan.
func (w writeFlag) Encode(value any, buf []byte) ([]byte, error) {
	v, _ := value.(bool)
	n := boolInt(v)
	if w.format == pgtype.BinaryFormatCode {
		return binary.BigEndian.AppendUint64(buf, uint64(n)), nil
	}
	return strconv.AppendInt(buf, int64(n), 10), nil
}

type readFlag struct{ format int16 }

// Scan implements pgtype.ScanPlan.
func (r readFlag) Scan(src []byte, target any) error {
	var n int64
	var err error
	switch {
	case src == nil:
		return fmt.Errorf("cannot scan NULL into %T", target)
	case r.format != pgtype.BinaryFormatCode:
		n, err = strconv.ParseInt(string(src), 10, 64)
	case len(src) != 8:
		err = fmt.Errorf("a BIGINT of %d bytes", len(src))
	default:
		n = int64(binary.BigEndian.Uint64(src))
	}
	*target.(*bool) = n != 0
	return err
}
