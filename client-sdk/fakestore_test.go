package clientsdk_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// The fake server's blobs and its photo store at http://store.test.

func (s *fakeServer) plan(w http.ResponseWriter, r *http.Request) {
	var req syncproto.PlanRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.t.Error(err)
	}
	var ans syncproto.PlanAnswer
	for _, b := range req.Blobs {
		if strings.HasPrefix(b.Type, "image/heic") { // a server that takes fewer types
			s.problem(w, syncproto.Problem{Code: syncproto.BlobType})
			return
		}
		f := s.blobs[b.SHA256]
		if f == nil {
			f = &fakeBlob{parts: map[int][]byte{}}
			s.blobs[b.SHA256] = f
		}
		f.plan = b
		ans.Blobs = append(ans.Blobs, s.planOne(b, f))
	}
	s.json(w, 200, ans)
}

func (s *fakeServer) planOne(b syncproto.PlanBlob, f *fakeBlob) syncproto.PlannedBlob {
	p := syncproto.PlannedBlob{SHA256: b.SHA256}
	headers := map[string]string{"X-Signed": "yes", "If-None-Match": "*"}
	switch {
	case f.stored:
		p.State, p.Receipt = syncproto.StateHave, s.blobReceipt(b)
	case b.Size > s.partSize:
		p.State, p.Upload, p.PartSize = syncproto.StateParts, "u1", s.partSize
		for n := 1; int64(n-1)*s.partSize < b.Size; n++ {
			part := syncproto.PlannedPart{Number: n, URL: fmt.Sprintf("http://store.test/%s?part=%d", b.SHA256, n), Headers: headers}
			if f.parts[n] != nil {
				part.Done, part.ETag = true, fmt.Sprintf("e%d", n)
			}
			p.Parts = append(p.Parts, part)
		}
	default:
		p.State, p.URL, p.Headers = syncproto.StatePut, "http://store.test/"+b.SHA256, headers
	}
	return p
}

func (s *fakeServer) blobReceipt(b syncproto.PlanBlob) string {
	var device uuid.UUID
	for id := range s.devices {
		device = id
	}
	return s.jws(syncproto.BlobReceipt{History: s.history, SHA256: b.SHA256, Size: b.Size, At: s.now().UnixMilli(), Device: device})
}

// put is the photo store: it must never see the access token.
func (s *fakeServer) put(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		s.t.Error("the access token was sent to the photo store")
	}
	if r.Header.Get("X-Signed") != "yes" || r.Header.Get("If-None-Match") != "*" {
		http.Error(w, "SignatureDoesNotMatch", http.StatusForbidden)
		return
	}
	f := s.blobs[strings.TrimPrefix(r.URL.Path, "/")]
	b, err := io.ReadAll(r.Body)
	if err != nil || int64(len(b)) != r.ContentLength {
		http.Error(w, "IncompleteBody", http.StatusBadRequest)
		return
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("part")); err == nil {
		f.parts[n] = b
		w.Header().Set("ETag", fmt.Sprintf("e%d", n))
		return
	}
	if f.bytes != nil {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	f.bytes = b
}

func (s *fakeServer) commit(w http.ResponseWriter, r *http.Request, _ uuid.UUID) {
	var req syncproto.CommitRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.t.Error(err)
	}
	f := s.blobs[req.SHA256]
	if f == nil {
		s.problem(w, syncproto.Problem{Code: syncproto.BlobAbsent})
		return
	}
	if req.Upload != "" {
		f.bytes = nil
		for i, p := range req.Parts {
			if p.ETag != fmt.Sprintf("e%d", i+1) {
				s.problem(w, syncproto.Problem{Code: syncproto.UploadIncomplete})
				return
			}
			f.bytes = append(f.bytes, f.parts[i+1]...)
		}
	}
	if f.bytes == nil {
		s.problem(w, syncproto.Problem{Code: syncproto.BlobAbsent})
		return
	}
	if sum := sha256.Sum256(f.bytes); hex.EncodeToString(sum[:]) != req.SHA256 {
		f.bytes, f.parts = nil, map[int][]byte{}
		s.problem(w, syncproto.Problem{Code: syncproto.BlobMismatch})
		return
	}
	f.stored = true
	s.json(w, 200, syncproto.CommitAnswer{SHA256: req.SHA256, Size: f.plan.Size, Receipt: s.blobReceipt(f.plan)})
}
