package clientsdk_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

func (s *fakeServer) jws(v any) string {
	enc := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			s.t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	msg := enc(map[string]string{"alg": "EdDSA", "kid": s.kid}) + "." + enc(v)
	return msg + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.key, []byte(msg)))
}

func (s *fakeServer) keys() []syncproto.ServerKey {
	return []syncproto.ServerKey{{KID: s.kid, PublicKey: s.key.Public().(ed25519.PublicKey)}}
}

func (s *fakeServer) session(device uuid.UUID) (access, refresh string) {
	s.tokens++
	access, refresh = fmt.Sprintf("access-%d", s.tokens), fmt.Sprintf("refresh-%d", s.tokens)
	s.access[access], s.refresh[refresh] = device, device
	return access, refresh
}

func (s *fakeServer) lease() []syncproto.ReceiptRange {
	s.leased += 30
	return []syncproto.ReceiptRange{{Prefix: "SC01", From: s.leased - 29, To: s.leased}}
}

func (s *fakeServer) enrol(w http.ResponseWriter, r *http.Request) {
	var req syncproto.EnrolRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.problem(w, syncproto.Problem{Code: syncproto.BodyInvalid})
		return
	}
	device := uuid.Nil
	if req.Device != nil {
		device = *req.Device
	}
	if !s.codes[req.Code] {
		s.problem(w, syncproto.Problem{Code: syncproto.CodeInvalid})
		return
	}
	if !ed25519.Verify(req.PublicKey, changelog.EnrolMessage(device, req.PublicKey, req.Code), req.Proof) {
		s.problem(w, syncproto.Problem{Code: syncproto.SignatureInvalid})
		return
	}
	for id, key := range s.devices { // a lost answer: the same device again
		if bytes.Equal(key, req.PublicKey) {
			device = id
		}
	}
	if device == uuid.Nil {
		device = newID(s.t)
	}
	s.devices[device] = req.PublicKey
	access, refresh := s.session(device)
	s.json(w, 201, syncproto.EnrolAnswer{Device: device, Person: s.person, Centre: s.centre, History: s.history, AccessToken: access,
		ExpiresIn: 900, RefreshToken: refresh, ServerKeys: s.keys(), ReceiptRanges: s.lease(), Schema: 1})
}

func (s *fakeServer) token(w http.ResponseWriter, r *http.Request) {
	var req syncproto.TokenRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.problem(w, syncproto.Problem{Code: syncproto.BodyInvalid})
		return
	}
	device, ok := s.refresh[req.RefreshToken]
	if !ok {
		s.problem(w, syncproto.Problem{Code: syncproto.TokenInvalid})
		return
	}
	access, refresh := s.session(device)
	s.json(w, 200, syncproto.TokenAnswer{AccessToken: access, ExpiresIn: 900, RefreshToken: refresh, ServerKeys: s.keys()})
}
