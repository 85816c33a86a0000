package embedded

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The examples of AWS's own documentation of Signature Version 4 for S3.
func awsVerifier() verifier {
	return verifier{
		accessKey: "AKIAIOSFODNN7EXAMPLE",
		secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		region:    "us-east-1",
		now:       func() time.Time { return time.Date(2013, 5, 24, 0, 1, 0, 0, time.UTC) },
	}
}

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func awsHeaderRequest() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/test.txt", nil)
	r.Host = "examplebucket.s3.amazonaws.com"
	r.Header.Set("Range", "bytes=0-9")
	r.Header.Set("X-Amz-Content-Sha256", emptyHash)
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
	return r
}

func awsQueryRequest() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", nil)
	r.Host = "examplebucket.s3.amazonaws.com"
	return r
}

func TestAWSExamplesVerify(t *testing.T) {
	v := awsVerifier()
	for name, r := range map[string]*http.Request{"header": awsHeaderRequest(), "query": awsQueryRequest()} {
		if _, err := v.check(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// chunkedBody is AWS's example of a body signed chunk by chunk.
func chunkedBody() string {
	a := strings.Repeat("a", 65536)
	return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + a + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + a[:1024] + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
}

func chunkedGrant(t *testing.T) grant {
	t.Helper()
	r := httptest.NewRequest(http.MethodPut, "/examplebucket/chunkObject.txt", strings.NewReader(chunkedBody()))
	r.Host = "s3.amazonaws.com"
	r.Header.Set("Content-Encoding", "aws-chunked")
	r.Header.Set("X-Amz-Content-Sha256", streamPayload)
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	r.Header.Set("X-Amz-Decoded-Content-Length", "66560")
	r.Header.Set("X-Amz-Storage-Class", "REDUCED_REDUNDANCY")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
	v := awsVerifier()
	g, err := v.check(r)
	if err != nil {
		t.Fatalf("seed signature: %v", err)
	}
	return g
}

func TestAWSChunksVerify(t *testing.T) {
	g := chunkedGrant(t)
	got, err := io.ReadAll(newChunks(strings.NewReader(chunkedBody()), g))
	if err != nil || len(got) != 66560 {
		t.Fatalf("read %d bytes, %v; want 66560", len(got), err)
	}
}

func TestChangedOrCutChunksAreRefused(t *testing.T) {
	g := chunkedGrant(t)
	whole := chunkedBody()
	lastChunk := strings.LastIndex(whole, "0;chunk-signature=")
	for name, body := range map[string]string{
		"a byte changed":          strings.Replace(whole, "aaaa", "aaba", 1),
		"last data chunk dropped": whole[:strings.Index(whole, "400;")] + whole[lastChunk:],
		"end not signed":          whole[:lastChunk],
		"cut inside":              whole[:5000],
		"no signature":            "4\r\naaaa\r\n0\r\n\r\n",
		"enormous chunk":          "ffffffff;chunk-signature=00\r\n",
		"endless line":            strings.Repeat("0", 100<<10),
	} {
		got, err := io.ReadAll(newChunks(strings.NewReader(body), g))
		if err == nil {
			t.Errorf("%s: read %d bytes without an error", name, len(got))
		}
	}
}

// Whatever is changed in a request after signing must refuse it.
func TestSignatureCoversTheRequest(t *testing.T) {
	later := func(d time.Duration) func(*verifier) {
		return func(v *verifier) {
			at := v.now().Add(d)
			v.now = func() time.Time { return at }
		}
	}
	cases := []struct {
		name   string
		make   func() *http.Request
		change func(r *http.Request)
		server func(v *verifier)
		code   string
	}{
		{name: "nothing signed", make: awsHeaderRequest, change: func(r *http.Request) { r.Header.Del("Authorization") }, code: "AccessDenied"},
		{name: "method", make: awsHeaderRequest, change: func(r *http.Request) { r.Method = "DELETE" }, code: "SignatureDoesNotMatch"},
		{name: "path", make: awsHeaderRequest, change: func(r *http.Request) { r.URL.Path = "/other.txt" }, code: "SignatureDoesNotMatch"},
		{name: "query added", make: awsHeaderRequest, change: func(r *http.Request) { r.URL.RawQuery = "uploads=" }, code: "SignatureDoesNotMatch"},
		{name: "host", make: awsHeaderRequest, change: func(r *http.Request) { r.Host = "evil.example" }, code: "SignatureDoesNotMatch"},
		{name: "signed header changed", make: awsHeaderRequest, change: func(r *http.Request) { r.Header.Set("Range", "bytes=0-99") }, code: "SignatureDoesNotMatch"},
		{name: "signed header gone", make: awsHeaderRequest, change: func(r *http.Request) { r.Header.Del("Range") }, code: "SignatureDoesNotMatch"},
		{name: "payload hash changed", make: awsHeaderRequest, change: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", unsignedPayload) }, code: "SignatureDoesNotMatch"},
		{name: "payload hash missing", make: awsHeaderRequest, change: func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, code: "InvalidRequest"},
		{name: "amz header added", make: awsHeaderRequest, change: func(r *http.Request) { r.Header.Set("X-Amz-Copy-Source", "/a/b") }, code: "AccessDenied"},
		{name: "two authorizations", make: awsHeaderRequest, change: func(r *http.Request) { r.Header.Add("Authorization", "x") }, code: "AuthorizationHeaderMalformed"},
		{name: "both ways", make: awsQueryRequest, change: func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }, code: "InvalidArgument"},
		{name: "session token", make: awsQueryRequest, change: func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Security-Token=t" }, code: "InvalidToken"},
		{name: "old header", make: awsHeaderRequest, server: later(time.Hour), code: "RequestTimeTooSkewed"},
		{name: "header of the future", make: awsHeaderRequest, server: later(-time.Hour), code: "RequestTimeTooSkewed"},
		{name: "other secret", make: awsQueryRequest, server: func(v *verifier) { v.secretKey = "another secret of ours" }, code: "SignatureDoesNotMatch"},
		{name: "other access key", make: awsQueryRequest, server: func(v *verifier) { v.accessKey = "SOMEBODY" }, code: "InvalidAccessKeyId"},
		{name: "other region", make: awsQueryRequest, server: func(v *verifier) { v.region = "cn-north-1" }, code: "AuthorizationHeaderMalformed"},
		{name: "expired URL", make: awsQueryRequest, server: later(24 * time.Hour), code: "AccessDenied"},
		{name: "URL of the future", make: awsQueryRequest, server: later(-time.Hour), code: "AccessDenied"},
		{name: "life prolonged", make: awsQueryRequest, change: replaceQuery("X-Amz-Expires=86400", "X-Amz-Expires=86401"), code: "SignatureDoesNotMatch"},
		{name: "life over a week", make: awsQueryRequest, change: replaceQuery("X-Amz-Expires=86400", "X-Amz-Expires=604801"), code: "AuthorizationQueryParametersError"},
		{name: "life negative", make: awsQueryRequest, change: replaceQuery("X-Amz-Expires=86400", "X-Amz-Expires=-1"), code: "AuthorizationQueryParametersError"},
		{name: "date twice", make: awsQueryRequest, change: func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Date=20130524T000000Z" }, code: "AuthorizationQueryParametersError"},
		{name: "signature empty", make: awsQueryRequest, change: replaceQuery("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", ""), code: "SignatureDoesNotMatch"},
		{name: "host not signed", make: awsQueryRequest, change: replaceQuery("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=range"), code: "AuthorizationHeaderMalformed"},
		{name: "other algorithm", make: awsQueryRequest, change: replaceQuery("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), code: "AuthorizationQueryParametersError"},
	}
	for _, tc := range cases {
		v, r := awsVerifier(), tc.make()
		if tc.change != nil {
			tc.change(r)
		}
		if tc.server != nil {
			tc.server(&v)
		}
		_, err := v.check(r)
		var a *apiError
		if !errors.As(err, &a) || a.code != tc.code {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.code)
		}
	}
}

func replaceQuery(old, new string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, new, 1) }
}
