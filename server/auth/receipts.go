package auth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// LeaseBlock is how many receipt numbers a phone gets at a time: some weeks of
// paid visits without a network.
const LeaseBlock = 100

// Lease is one block of receipt numbers as its row says.
type Lease struct {
	Row, Device uuid.UUID
	First, Last int64
}

// LeaseReceipts leases a new block of receipt numbers to a device (FP-03) and
// answers that block alone: each call gives numbers that no other call ever
// gives, also after the phone or the server was restored from a backup. A
// block whose answer was lost stays leased and visibly unused. Too many calls
// are a TooMany fault.
func (a *Auth) LeaseReceipts(ctx context.Context, dev ledger.Device) ([]syncproto.ReceiptRange, error) {
	if err := a.leases.try(dev.ID.String()); err != nil {
		return nil, err
	}
	row, err := a.cfg.NewID()
	if err != nil {
		return nil, err
	}
	r, err := a.lease(ctx, dev.Centre, dev.ID, row)
	if err != nil {
		return nil, err
	}
	return []syncproto.ReceiptRange{r}, nil
}

// lease leases the next block under the device's prefix as a row of the given
// id. Where the row is there already, from a call whose answer was lost, it
// answers that block again.
func (a *Auth) lease(ctx context.Context, centre, device, row uuid.UUID) (syncproto.ReceiptRange, error) {
	var none syncproto.ReceiptRange
	a.leasing.Lock()
	defer a.leasing.Unlock()
	prefix, leases, err := a.prefix(ctx, centre, device)
	if err != nil {
		return none, fmt.Errorf("lease receipts: %w", err)
	}
	first := int64(1)
	for _, l := range leases {
		if l.Row == row {
			return syncproto.ReceiptRange{Prefix: prefix, From: l.First, To: l.Last}, nil
		}
		first = max(first, l.Last+1)
	}
	r := syncproto.ReceiptRange{Prefix: prefix, From: first, To: first + LeaseBlock - 1}
	_, err = a.cfg.Journal.Write(ctx, centre, system(), []ledger.Edit{{
		Table: "receipt_range", Row: row, Op: changelog.Insert, Cols: map[string]any{
			"device": device[:], "prefix": r.Prefix, "first": r.From, "last": r.To, "at": a.cfg.Now().UnixMilli(),
		},
	}})
	if err != nil {
		return none, fmt.Errorf("lease receipts: %w", err)
	}
	return r, nil
}

// prefix finds the device's own prefix, such as QK7-3F9ZD-: three letters of
// the centre, five of the device. It follows from the server's history too, so
// that a server restored from a backup never leases again what it leased after
// the backup. Where another device has the same by chance, the next is tried.
func (a *Auth) prefix(ctx context.Context, centre, device uuid.UUID) (string, []Lease, error) {
	for round := uint32(0); ; round++ {
		c := sha256.Sum256(append([]byte("siteledger receipt centre"), centre[:]...))
		seed := append([]byte("siteledger receipt device"), centre[:]...)
		seed = append(append(seed, device[:]...), a.cfg.History[:]...)
		d := sha256.Sum256(binary.BigEndian.AppendUint32(seed, round))
		prefix := plain(c[:3]) + "-" + plain(d[:5]) + "-"
		leases, err := a.cfg.Store.Leases(ctx, centre, prefix)
		if err != nil {
			return "", nil, err
		}
		if len(leases) == 0 || leases[0].Device == device {
			return prefix, leases, nil
		}
	}
}

func plain(b []byte) string {
	s := make([]byte, len(b))
	for i, x := range b {
		s[i] = letters[x&31]
	}
	return string(s)
}
