package blob_test

import (
	"bytes"
	"testing"

	"siteledger/server/blob/blobtest"
	"siteledger/syncproto"
)

// The same way of a photo over the S3 that the environment names, if any.
func TestServiceOverExternalStorage(t *testing.T) {
	st, ok := blobtest.External(t)
	if !ok {
		return // the other tests judge the embedded one
	}
	s := open(t)
	s.cfg.Endpoint, s.cfg.AccessKey, s.cfg.SecretKey, s.cfg.Region, s.cfg.Bucket = st.Endpoint, st.AccessKey, st.SecretKey, st.Region, st.Bucket
	s.remake()
	if err := s.svc.Ready(s.ctx); err != nil {
		t.Fatal(err)
	}
	small, large := photo(1, 5000), photo(2, 2*partSize+1)
	s.store1(s.a, small)
	s.planPhoto(s.a, small, "have")

	wrong := bytes.Clone(large)
	wrong[partSize] ^= 1
	s.sendParts(s.planPhoto(s.a, large, "parts"), wrong)
	s.wantCommit(s.a, large, syncproto.BlobMismatch)
	p := s.planPhoto(s.a, large, "parts")
	if status, _ := s.send(p.Parts[1].URL, p.Parts[1].Headers, large[partSize:2*partSize]); status != 200 {
		t.Fatal(status)
	}
	s.wantCommit(s.a, large, syncproto.UploadIncomplete)
	again := s.planPhoto(s.a, large, "parts")
	if again.Upload != p.Upload || !again.Parts[1].Done || again.Parts[0].Done {
		t.Fatalf("resumed %+v", again)
	}
	s.sendParts(again, large)
	s.commit(s.a, large)

	html := []byte("<html><script>1</script></html>")
	s.upload(s.plan(s.a, ask(html, "image/jpeg", "photo"))[0], html)
	s.wantCommit(s.a, html, syncproto.BlobType)
	s.planPhoto(s.a, html, "put")
}
