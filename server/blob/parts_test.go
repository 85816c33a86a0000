package blob_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"siteledger/syncproto"
)

// The storage itself can't know the whole's hash while parts arrive: what they
// make together is judged at commit.
func TestWrongBytesInPartsAreRemovedAndSentAgain(t *testing.T) {
	s := open(t)
	body := photo(1, partSize+1000)
	wrong := bytes.Clone(body)
	wrong[partSize+10] ^= 1
	p := s.planPhoto(s.a, body, "parts")
	s.sendParts(p, wrong)
	s.wantCommit(s.a, body, syncproto.BlobMismatch)
	s.wantFile(s.a, body, false)
	again := s.planPhoto(s.a, body, "parts")
	if again.Upload == p.Upload || again.Parts[0].Done {
		t.Fatalf("the refused upload is offered again: %+v", again)
	}
	s.sendParts(again, body)
	s.commit(s.a, body)
	s.wantFile(s.a, body, true)
}

func (s *shop) sendParts(p syncproto.PlannedBlob, body []byte) {
	s.Helper()
	for _, part := range p.Parts {
		if part.Done {
			continue
		}
		from := int64(part.Number-1) * p.PartSize
		if status, etag := s.send(part.URL, part.Headers, body[from:min(from+p.PartSize, int64(len(body)))]); status != 200 || etag == "" {
			s.Fatalf("part %d: %d", part.Number, status)
		}
	}
}

func TestPartsAreResumedOverARestart(t *testing.T) {
	s := open(t)
	body := photo(1, 2*partSize+1000)
	p := s.planPhoto(s.a, body, "parts")
	if len(p.Parts) != 3 || p.PartSize != partSize || p.Upload == "" {
		t.Fatalf("plan: %+v", p)
	}
	_, etag := s.send(p.Parts[0].URL, p.Parts[0].Headers, body[:partSize])
	s.wantCommit(s.a, body, syncproto.UploadIncomplete)

	s.down()
	s.up()
	s.remake()
	again := s.planPhoto(s.a, body, "parts")
	if again.Upload != p.Upload || !again.Parts[0].Done || again.Parts[0].ETag != strings.Trim(etag, `"`) || again.Parts[0].URL != "" {
		t.Fatalf("plan after the restart: %+v", again)
	}
	if again.Parts[1].Done || again.Parts[1].URL == "" {
		t.Fatalf("part 2: %+v", again.Parts[1])
	}
	s.sendParts(again, body)
	_, err := s.svc.Commit(s.ctx, s.a, syncproto.CommitRequest{SHA256: hexOf(body), Upload: "another"})
	wantCode(t, err, syncproto.UploadIncomplete)
	s.commit(s.a, body)
	if got, err := os.ReadFile(s.file(s.a, body)); err != nil || !bytes.Equal(got, body) {
		t.Fatal("not what was sent")
	}
	s.planPhoto(s.a, body, "have")
}

func TestLostCommitIsFoundByTheNextPlan(t *testing.T) {
	s := open(t)
	small, large := photo(1, 5000), photo(2, partSize+5)
	s.upload(s.planPhoto(s.a, small, "put"), small)
	if p := s.planPhoto(s.a, small, "have"); p.Receipt == "" {
		t.Fatal("no receipt")
	}
	// The server dies between joining the parts and saying so.
	p := s.planPhoto(s.a, large, "parts")
	s.sendParts(p, large)
	s.mem.writeErr = errors.New("the server dies")
	if _, err := s.svc.Commit(s.ctx, s.a, syncproto.CommitRequest{SHA256: hexOf(large)}); err == nil {
		t.Fatal("committed without a journal")
	}
	s.mem.writeErr = nil
	s.remake()
	if c := s.commit(s.a, large); c.Receipt == "" {
		t.Fatal("no receipt")
	}
	if len(s.mem.edits) != 2 {
		t.Fatalf("%d journal entries, want 2", len(s.mem.edits))
	}
}

func TestPhotoTruncatedAt99PercentIsNeverPresent(t *testing.T) {
	s := open(t)
	body := photo(1, 300_000)
	p := s.planPhoto(s.a, body, "put")
	for _, cut := range [][]byte{body[:297_000], append(bytes.Clone(body[:297_000]), make([]byte, 3000)...)} {
		if status, _ := s.send(p.URL, p.Headers, cut); status == 200 {
			t.Fatal("the storage took it")
		}
		s.wantCommit(s.a, body, syncproto.BlobAbsent)
	}
	s.upload(s.planPhoto(s.a, body, "put"), body)
	s.commit(s.a, body)
}
