package blob_test

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"

	"siteledger/server/blob"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

func TestPlanRefusesWhatIsNotAllowed(t *testing.T) {
	s := open(t)
	b := photo(1, 5000)
	sized := func(size int64, mediaType, purpose string) syncproto.PlanBlob {
		return syncproto.PlanBlob{SHA256: hexOf(b), Size: size, Type: mediaType, Purpose: purpose}
	}
	for name, tc := range map[string]struct {
		blob syncproto.PlanBlob
		code syncproto.Code
		max  int64
	}{
		"html":               {sized(10, "text/html", "document"), syncproto.BlobType, 0},
		"svg":                {sized(10, "image/svg+xml", "photo"), syncproto.BlobType, 0},
		"gif":                {sized(10, "image/gif", "photo"), syncproto.BlobType, 0},
		"type with more":     {sized(10, "image/jpeg; charset=x", "photo"), syncproto.BlobType, 0},
		"pdf as photo":       {sized(10, "application/pdf", "photo"), syncproto.BlobType, 0},
		"dwg as receipt":     {sized(10, "image/vnd.dwg", "receipt"), syncproto.BlobType, 0},
		"preview too large":  {sized(32<<10+1, "image/jpeg", "preview"), syncproto.BlobTooLarge, 32 << 10},
		"signature too big":  {sized(1<<20+1, "image/png", "signature"), syncproto.BlobTooLarge, 1 << 20},
		"photo too large":    {sized(50<<20+1, "image/jpeg", "photo"), syncproto.BlobTooLarge, 50 << 20},
		"document too large": {sized(50<<20+1, "application/pdf", "document"), syncproto.BlobTooLarge, 50 << 20},
		"empty":              {sized(0, "image/jpeg", "photo"), syncproto.BodyInvalid, 0},
		"negative":           {sized(-1, "image/jpeg", "photo"), syncproto.BodyInvalid, 0},
		"no purpose":         {sized(10, "image/jpeg", ""), syncproto.BodyInvalid, 0},
		"upper case hash":    {syncproto.PlanBlob{SHA256: strings.ToUpper(hexOf(b)), Size: 1, Type: "image/jpeg", Purpose: "photo"}, syncproto.BodyInvalid, 0},
		"hash with a path":   {syncproto.PlanBlob{SHA256: "../" + hexOf(b)[3:], Size: 1, Type: "image/jpeg", Purpose: "photo"}, syncproto.BodyInvalid, 0},
	} {
		_, err := s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{ask(b, "image/jpeg", "photo"), tc.blob})
		f := fault.Of(err)
		if err == nil || f.Code != tc.code || f.Max != tc.max || (tc.max > 0 && f.Limit != tc.blob.Purpose) {
			t.Errorf("%s: %v (limit %q, max %d), want %s", name, err, f.Limit, f.Max, tc.code)
		}
	}
	if len(s.mem.rows) > 0 {
		t.Fatal("a refused plan left rows")
	}
	for name, ok := range map[string]syncproto.PlanBlob{
		"preview": sized(32<<10, "image/webp", "preview"), "signature": sized(1<<20, "image/png", "signature"), "photo": sized(50<<20, "image/heic", "photo"),
		"receipt": sized(10, "application/pdf", "receipt"), "document": sized(10, "image/vnd.dxf", "document"),
	} {
		if _, err := s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{ok}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlanIsBounded(t *testing.T) {
	s := open(t)
	_, err := s.svc.Plan(s.ctx, s.a, make([]syncproto.PlanBlob, 201))
	wantCode(t, err, syncproto.BatchTooLong)
	s.cfg.MaxOpen = 2
	s.remake()
	s.planPhoto(s.a, photo(1, 900), "put")
	s.planPhoto(s.a, photo(2, 900), "put")
	_, err = s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{ask(photo(3, 900), "image/jpeg", "photo")})
	wantCode(t, err, syncproto.Busy)
	s.planPhoto(s.a, photo(2, 900), "put")
	s.planPhoto(s.b, photo(3, 900), "put")
	if got := s.plan(s.a, ask(photo(2, 900), "image/jpeg", "photo"), ask(photo(2, 900), "image/jpeg", "receipt")); len(got) != 2 || got[1].URL != got[0].URL {
		t.Fatalf("the same blob twice: %+v", got)
	}
}

func TestPlanOfAnotherSizeForTheSameHashIsRefused(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.store1(s.a, body)
	lie := ask(body, "image/jpeg", "photo")
	lie.Size++
	_, err := s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{lie})
	wantCode(t, err, syncproto.BlobMismatch)
}

func TestUploadURLIsForThePublicAddressAndBinds(t *testing.T) {
	s := open(t)
	s.cfg.PublicEndpoint = "https://photos.example.cn:9443"
	s.remake()
	body := photo(1, 5000)
	p := s.planPhoto(s.a, body, "put")
	if !strings.HasPrefix(p.URL, "https://photos.example.cn:9443/photos/"+blob.ObjectKey(s.a.Centre, sha256.Sum256(body), s.a.ID)+"?") {
		t.Fatalf("URL %s", p.URL)
	}
	for _, want := range []string{"X-Amz-Expires=900", "content-length", "host", "if-none-match", "x-amz-checksum-sha256"} {
		if !strings.Contains(p.URL, want) {
			t.Errorf("URL lacks %s: %s", want, p.URL)
		}
	}
	// As a proxy would pass it on: the address of the storage, the public name.
	r, err := http.NewRequest(http.MethodPut, strings.Replace(p.URL, "https://photos.example.cn:9443", "http://"+s.address, 1), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "photos.example.cn:9443"
	for name, value := range p.Headers {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatalf("upload by the public name: %d", resp.StatusCode)
	}
	s.commit(s.a, body)
}

func TestPlanRemovesWrongBytesThatWereNeverCommitted(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	flip(t, s.file(s.a, body), 4000)
	p := s.planPhoto(s.a, body, "put")
	s.wantFile(s.a, body, false)
	s.upload(p, body)
	s.commit(s.a, body)
}
