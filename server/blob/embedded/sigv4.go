package embedded

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of AWS Signature Version 4.
const (
	algorithm       = "AWS4-HMAC-SHA256"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	streamPayload   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	isoTime         = "20060102T150405Z"
	isoDay          = "20060102"

	maxSkew    = 15 * time.Minute   // of a signed header, and of a URL made ahead of our clock
	maxExpires = 7 * 24 * time.Hour // of a presigned URL
)

// verifier checks signatures with the one pair of keys.
type verifier struct {
	accessKey, secretKey, region string
	now                          func() time.Time
}

// grant is what a valid signature covers.
type grant struct {
	payload   string // hex SHA-256 of the body, or one of the constants above
	date      time.Time
	scope     string
	signature string
	key       []byte // signing key of the scope
}

// claim is a signature as the request states it, not yet believed.
type claim struct {
	credential, signedHeaders, signature string
	date                                 time.Time
	payload                              string
	presigned                            bool
}

// check believes a request only if it carries exactly one valid signature by
// our keys, within its time, that covers the host and every x-amz- header.
func (v *verifier) check(r *http.Request) (grant, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return grant{}, badRequest("InvalidURI", "The query can't be read.")
	}
	for name, vals := range query {
		if strings.HasPrefix(name, "X-Amz-") && len(vals) != 1 {
			return grant{}, badRequest("AuthorizationQueryParametersError", "%s is given more than once.", name)
		}
	}
	if r.Header.Get("X-Amz-Security-Token") != "" || query.Has("X-Amz-Security-Token") {
		return grant{}, refusal(http.StatusForbidden, "InvalidToken", "This storage issues no session tokens.")
	}
	var c claim
	switch inQuery, inHeader := query.Has("X-Amz-Signature") || query.Has("X-Amz-Algorithm"), r.Header.Get("Authorization") != ""; {
	case inQuery && inHeader:
		return grant{}, badRequest("InvalidArgument", "Only one way of signing is allowed.")
	case inQuery:
		c, err = v.fromQuery(query, r.Header)
	case inHeader:
		c, err = v.fromHeader(r.Header)
	default:
		return grant{}, accessDenied("A signature is needed.")
	}
	if err != nil {
		return grant{}, err
	}
	return v.verify(r, query, c)
}

// fromQuery reads a presigned URL and judges its time.
func (v *verifier) fromQuery(q url.Values, h http.Header) (claim, error) {
	bad := func(what string) (claim, error) {
		return claim{}, badRequest("AuthorizationQueryParametersError", "%s is missing or wrong.", what)
	}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return bad("X-Amz-Algorithm")
	}
	date, err := time.Parse(isoTime, q.Get("X-Amz-Date"))
	if err != nil {
		return bad("X-Amz-Date")
	}
	seconds, err := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 32)
	life := time.Duration(seconds) * time.Second
	if err != nil || life < time.Second || life > maxExpires {
		return bad("X-Amz-Expires")
	}
	now := v.now()
	if now.Before(date.Add(-maxSkew)) {
		return claim{}, accessDenied("Request is not valid yet")
	}
	if now.After(date.Add(life)) {
		return claim{}, accessDenied("Request has expired")
	}
	payload := h.Get("X-Amz-Content-Sha256")
	if payload == "" {
		payload = unsignedPayload
	}
	return claim{
		credential:    q.Get("X-Amz-Credential"),
		signedHeaders: q.Get("X-Amz-SignedHeaders"),
		signature:     q.Get("X-Amz-Signature"),
		date:          date,
		payload:       payload,
		presigned:     true,
	}, nil
}

// fromHeader reads an Authorization header and judges its time.
func (v *verifier) fromHeader(h http.Header) (claim, error) {
	bad := badRequest("AuthorizationHeaderMalformed", "The Authorization header can't be read.")
	rest, ok := strings.CutPrefix(h.Get("Authorization"), algorithm+" ")
	if !ok || len(h.Values("Authorization")) != 1 {
		return claim{}, bad
	}
	var c claim
	for _, field := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			c.credential = value
		case "SignedHeaders":
			c.signedHeaders = value
		case "Signature":
			c.signature = value
		default:
			return claim{}, bad
		}
	}
	date, err := time.Parse(isoTime, h.Get("X-Amz-Date"))
	if err != nil {
		return claim{}, accessDenied("A valid x-amz-date header is needed.")
	}
	if d := v.now().Sub(date); d > maxSkew || d < -maxSkew {
		return claim{}, refusal(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the server's time is too large.")
	}
	c.date, c.payload = date, h.Get("X-Amz-Content-Sha256")
	if c.payload == "" {
		return claim{}, badRequest("InvalidRequest", "The x-amz-content-sha256 header is needed.")
	}
	return c, nil
}

// verify recomputes the signature over the request as it came.
func (v *verifier) verify(r *http.Request, query url.Values, c claim) (grant, error) {
	scope := c.date.Format(isoDay) + "/" + v.region + "/s3/aws4_request"
	accessKey, gotScope, _ := strings.Cut(c.credential, "/")
	if subtle.ConstantTimeCompare([]byte(accessKey), []byte(v.accessKey)) != 1 {
		return grant{}, refusal(http.StatusForbidden, "InvalidAccessKeyId", "The access key is not known here.")
	}
	if gotScope != scope {
		return grant{}, badRequest("AuthorizationHeaderMalformed", "The credential's scope does not fit; expected %s.", scope)
	}
	headers, err := canonicalHeaders(r, c.signedHeaders)
	if err != nil {
		return grant{}, err
	}
	if !knownPayload(c) {
		return grant{}, notImplemented("This way of signing a body is not supported.")
	}
	canonical := strings.Join([]string{
		r.Method, uriEncode(r.URL.Path, true), canonicalQuery(query), headers, c.signedHeaders, c.payload,
	}, "\n")
	key := v.signingKey(c.date)
	toSign := algorithm + "\n" + c.date.Format(isoTime) + "\n" + scope + "\n" + hexSum([]byte(canonical))
	want := hex.EncodeToString(mac(key, toSign))
	if subtle.ConstantTimeCompare([]byte(want), []byte(c.signature)) != 1 {
		return grant{}, refusal(http.StatusForbidden, "SignatureDoesNotMatch", "The signature does not match this request.")
	}
	return grant{payload: c.payload, date: c.date, scope: scope, signature: want, key: key}, nil
}

func knownPayload(c claim) bool {
	if c.payload == unsignedPayload {
		return true
	}
	if c.payload == streamPayload {
		return !c.presigned
	}
	raw, err := hex.DecodeString(c.payload)
	return err == nil && len(raw) == sha256.Size && strings.ToLower(c.payload) == c.payload
}

// canonicalHeaders gives the signed headers as they came. Every x-amz- header
// must be among them: one that is not signed could have been added on the way.
func canonicalHeaders(r *http.Request, list string) (string, error) {
	names := strings.Split(list, ";")
	if !slices.IsSorted(names) || !slices.Contains(names, "host") || strings.ToLower(list) != list {
		return "", badRequest("AuthorizationHeaderMalformed", "The list of signed headers is wrong or lacks host.")
	}
	for name := range r.Header {
		if l := strings.ToLower(name); strings.HasPrefix(l, "x-amz-") && !slices.Contains(names, l) {
			return "", accessDenied("There were headers present in the request which were not signed: %s", l)
		}
	}
	var b strings.Builder
	for _, name := range names {
		var vals []string
		switch name {
		case "host":
			vals = []string{r.Host}
		case "content-length":
			if r.ContentLength >= 0 {
				vals = []string{strconv.FormatInt(r.ContentLength, 10)}
			}
		default:
			vals = r.Header.Values(name)
		}
		if len(vals) == 0 {
			return "", refusal(http.StatusForbidden, "SignatureDoesNotMatch", "The signed header %s is missing.", name)
		}
		b.WriteString(name + ":")
		for i, val := range vals {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.Join(strings.Fields(val), " "))
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// canonicalQuery orders and encodes the parameters, without the signature.
func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, vals := range q {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, val := range vals {
			pairs = append(pairs, uriEncode(name, false)+"="+uriEncode(val, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// uriEncode is AWS's percent-encoding: unreserved characters stay, and the
// slashes of a path.
func uriEncode(s string, path bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && path:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

func (v *verifier) signingKey(date time.Time) []byte {
	k := mac([]byte("AWS4"+v.secretKey), date.Format(isoDay))
	k = mac(k, v.region)
	k = mac(k, "s3")
	return mac(k, "aws4_request")
}

func mac(key []byte, msg string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(msg))
	return h.Sum(nil)
}

func hexSum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
