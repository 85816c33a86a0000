package blobtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// presign signs a request's URL for 15 minutes from a time on, with all its
// headers and its length: a second writing of Signature Version 4, so that a
// server and its client can't be wrong together, and with a time to choose.
func presign(r *http.Request, s Storage, query url.Values, from time.Time) {
	from = from.UTC()
	scope := from.Format("20060102") + "/" + s.Region + "/s3/aws4_request"
	headers := map[string]string{"host": r.URL.Host}
	if r.Method == http.MethodPut {
		headers["content-length"] = strconv.FormatInt(r.ContentLength, 10)
	}
	for name := range r.Header {
		headers[strings.ToLower(name)] = r.Header.Get(name)
	}
	var names []string
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	q := url.Values{
		"X-Amz-Algorithm":     {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential":    {s.AccessKey + "/" + scope},
		"X-Amz-Date":          {from.Format("20060102T150405Z")},
		"X-Amz-Expires":       {"900"},
		"X-Amz-SignedHeaders": {strings.Join(names, ";")},
	}
	for name, values := range query {
		q[name] = values
	}
	r.URL.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	var lines strings.Builder
	for _, name := range names {
		lines.WriteString(name + ":" + headers[name] + "\n")
	}
	canonical := r.Method + "\n" + (&url.URL{Path: r.URL.Path}).EscapedPath() + "\n" + r.URL.RawQuery + "\n" + lines.String() + "\n" + strings.Join(names, ";") + "\nUNSIGNED-PAYLOAD"
	digest := sha256.Sum256([]byte(canonical))
	toSign := "AWS4-HMAC-SHA256\n" + from.Format("20060102T150405Z") + "\n" + scope + "\n" + hex.EncodeToString(digest[:])
	key := []byte("AWS4" + s.SecretKey)
	for _, step := range []string{from.Format("20060102"), s.Region, "s3", "aws4_request", toSign} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(step))
		key = h.Sum(nil)
	}
	r.URL.RawQuery += "&X-Amz-Signature=" + hex.EncodeToString(key)
}
