package blob_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
)

func TestPlanPutCommit(t *testing.T) {
	s := open(t)
	body := photo(1, 200_000)
	got := s.store1(s.a, body)
	want := fmt.Sprintf("%s %s 200000 %s #1", s.deps.History, hexOf(body), s.a.ID)
	if got.SHA256 != hexOf(body) || got.Size != 200_000 || got.Receipt != want {
		t.Fatalf("answer %+v, want receipt %q", got, want)
	}
	if len(s.mem.edits) != 1 {
		t.Fatalf("%d journal entries", len(s.mem.edits))
	}
	cols := s.mem.edits[0].Cols
	if cols["type"] != "image/jpeg" || cols["purpose"] != "photo" || !bytes.Equal(cols["device"].([]byte), s.a.ID[:]) || cols["at"] != s.now.UnixMilli() {
		t.Fatalf("entry %v", cols)
	}
	if again := s.commit(s.a, body); again != got {
		t.Fatalf("second commit %+v, want the same", again)
	}
	if p := s.planPhoto(s.a, body, "have"); p.Receipt != got.Receipt || p.URL != "" {
		t.Fatalf("plan of a stored blob: %+v", p)
	}
	if len(s.mem.edits) != 1 {
		t.Fatal("the journal was written twice")
	}
}

func TestAnotherDeviceMustBringItsOwnBytes(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.store1(s.a, body)
	p := s.planPhoto(s.b, body, "put")
	s.wantCommit(s.b, body, syncproto.BlobAbsent)
	s.upload(p, body)
	if r := s.commit(s.b, body); !strings.Contains(r.Receipt, s.b.ID.String()) {
		t.Fatalf("receipt %q", r.Receipt)
	}
	if len(s.mem.edits) != 1 {
		t.Fatalf("%d journal entries for one blob, want 1", len(s.mem.edits))
	}
}

func TestCommitOfWhatIsNotThere(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.wantCommit(s.a, body, syncproto.BlobAbsent) // never planned
	s.planPhoto(s.a, body, "put")
	s.wantCommit(s.a, body, syncproto.BlobAbsent) // never uploaded
	s.wantCommit(s.b, body, syncproto.BlobAbsent) // planned by somebody else
	_, err := s.svc.Commit(s.ctx, s.a, syncproto.CommitRequest{SHA256: "abc"})
	wantCode(t, err, syncproto.BodyInvalid)
}

func TestCrashAfterTheJournalWritesItOnce(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	s.mem.saveFail = errors.New("the server dies")
	if _, err := s.svc.Commit(s.ctx, s.a, syncproto.CommitRequest{SHA256: hexOf(body)}); err == nil {
		t.Fatal("a receipt that is nowhere kept")
	}
	s.mem.saveFail = nil
	s.commit(s.a, body)
	if len(s.mem.edits) != 1 {
		t.Fatalf("%d journal entries, want 1", len(s.mem.edits))
	}
}

func TestConcurrentCommitsAgree(t *testing.T) {
	s := open(t)
	body := photo(1, 100_000)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	s.upload(s.planPhoto(s.b, body, "put"), body)
	receipts := make([]string, 12)
	var wg sync.WaitGroup
	for i := range receipts {
		dev := []ledger.Device{s.a, s.b}[i%2]
		wg.Go(func() {
			c, err := s.svc.Commit(s.ctx, dev, syncproto.CommitRequest{SHA256: hexOf(body)})
			if err != nil {
				t.Error(err)
			}
			receipts[i] = c.Receipt
		})
	}
	wg.Wait()
	for i := range receipts {
		if receipts[i] != receipts[i%2] {
			t.Fatalf("receipts differ: %q", receipts)
		}
	}
	if len(s.mem.edits) != 1 {
		t.Fatalf("%d journal entries, want 1", len(s.mem.edits))
	}
}

func TestStoredBlobThatIsGoneIsAskedForAgain(t *testing.T) {
	s := open(t)
	body, cut := photo(1, 5000), photo(2, 5000)
	s.store1(s.a, body)
	s.store1(s.a, cut)
	if err := os.Remove(s.file(s.a, body)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.file(s.a, cut), 4000); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{body, cut} {
		s.wantCommit(s.a, b, syncproto.BlobAbsent) // no receipt for what is not there
		s.store1(s.a, b)
		s.planPhoto(s.a, b, "have")
	}
}

func TestNewHistorySignsANewReceipt(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	first := s.store1(s.a, body)
	s.deps.History = uuid.New()
	s.remake()
	p := s.planPhoto(s.a, body, "have")
	if p.Receipt == first.Receipt || !strings.HasPrefix(p.Receipt, s.deps.History.String()) {
		t.Fatalf("receipt %q", p.Receipt)
	}
	if c := s.commit(s.a, body); c.Receipt != p.Receipt {
		t.Fatalf("receipt %q, want %q again", c.Receipt, p.Receipt)
	}
}
