package blob_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// memory is what the service works with besides the storage: rows, the
// ledger's word of what is present, and a signer that can be read.
type memory struct {
	mu       sync.Mutex
	rows     map[string]blob.Upload
	present  []blob.Ref
	edits    []ledger.Edit
	visible  map[string]bool // person and hash
	saveFail error
	writeErr error
	signed   int
}

func newMemory() *memory {
	return &memory{rows: map[string]blob.Upload{}, visible: map[string]bool{}}
}

func rowKey(centre, device uuid.UUID, sha [32]byte) string {
	return blob.ObjectKey(centre, sha, device)
}

func (m *memory) BlobUpload(_ context.Context, centre, device uuid.UUID, sha [32]byte) (blob.Upload, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.rows[rowKey(centre, device, sha)]
	return u, ok, nil
}

func (m *memory) SaveBlobUploads(_ context.Context, rows []blob.Upload) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saveFail != nil {
		return m.saveFail
	}
	for _, u := range rows {
		m.rows[rowKey(u.Centre, u.Device, u.SHA256)] = u
	}
	return nil
}

func (m *memory) OpenBlobUploads(_ context.Context, centre, device uuid.UUID) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, u := range m.rows {
		if u.Centre == centre && u.Device == device && !u.Stored() {
			n++
		}
	}
	return n, nil
}

func (m *memory) StaleBlobUploads(_ context.Context, before time.Time, limit int) ([]blob.Upload, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []blob.Upload
	for _, u := range m.rows {
		if !u.Stored() && u.PlannedAt.Before(before) && len(out) < limit {
			out = append(out, u)
		}
	}
	return out, nil
}

func (m *memory) DropBlobUpload(_ context.Context, u blob.Upload) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows, rowKey(u.Centre, u.Device, u.SHA256))
	return nil
}

func (m *memory) BlobPresent(_ context.Context, centre uuid.UUID, sha [32]byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.present, func(r blob.Ref) bool { return r.Centre == centre && r.SHA256 == sha }), nil
}

func (m *memory) PresentBlobs(_ context.Context, after blob.Ref, limit int) ([]blob.Ref, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	order := func(a, b blob.Ref) int {
		return cmp.Or(bytes.Compare(a.Centre[:], b.Centre[:]), bytes.Compare(a.SHA256[:], b.SHA256[:]))
	}
	slices.SortFunc(m.present, order)
	var out []blob.Ref
	for _, r := range m.present {
		if order(r, after) > 0 && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (m *memory) BlobCopies(_ context.Context, centre uuid.UUID, sha [32]byte) ([]blob.Upload, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []blob.Upload
	for _, u := range m.rows {
		if u.Centre == centre && u.SHA256 == sha && u.Stored() {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b blob.Upload) int { return a.StoredAt.Compare(b.StoredAt) })
	return out, nil
}

func (m *memory) BlobVisible(_ context.Context, _, person uuid.UUID, sha [32]byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.visible[person.String()+string(sha[:])], nil
}

// Write is the journal: a stored_blob row makes the blob present.
func (m *memory) Write(_ context.Context, centre uuid.UUID, by ledger.Author, edits []ledger.Edit) (ledger.Written, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writeErr != nil {
		return ledger.Written{}, m.writeErr
	}
	for _, e := range edits {
		sha, _ := e.Cols["sha256"].([]byte)
		size, _ := e.Cols["size"].(int64)
		if e.Table != "stored_blob" || by.Role != "server" || len(sha) != 32 {
			return ledger.Written{}, errors.New("not what the ledger takes")
		}
		m.edits = append(m.edits, e)
		m.present = append(m.present, blob.Ref{Centre: centre, SHA256: [32]byte(sha), Size: size})
	}
	return ledger.Written{Seq: uint64(len(m.edits))}, nil
}

// SignJWS gives a text that differs with each signing.
func (m *memory) SignJWS(payload any) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := payload.(syncproto.BlobReceipt)
	if !ok {
		return "", errors.New("not a receipt")
	}
	m.signed++
	return fmt.Sprintf("%s %s %d %s #%d", r.History, r.SHA256, r.Size, r.Device, m.signed), nil
}
