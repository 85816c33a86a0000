package embedded

import (
	"net/http"
	"slices"
	"strings"
)

// operation does one S3 call and writes its answer, or returns an error
// before anything was written.
type operation func(s *Server, w http.ResponseWriter, c call) error

// route is one line of the table: a method on the bucket or on an object with
// exactly these query parameters, besides those of the signature.
type route struct {
	method string
	object bool
	need   []string
	may    []string
	op     operation
}

var routes = []route{
	{method: "HEAD", op: (*Server).headBucket},
	{method: "PUT", op: (*Server).createBucket},
	{method: "GET", need: []string{"location"}, op: (*Server).bucketLocation},
	{method: "GET", need: []string{"list-type"}, may: []string{"prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type", "fetch-owner"}, op: (*Server).list},
	{method: "GET", object: true, may: []string{"response-content-type", "response-content-disposition", "response-cache-control"}, op: (*Server).get},
	{method: "HEAD", object: true, op: (*Server).get},
	{method: "PUT", object: true, op: (*Server).put},
	{method: "DELETE", object: true, op: (*Server).remove},
	{method: "POST", object: true, need: []string{"uploads"}, op: (*Server).createUpload},
	{method: "PUT", object: true, need: []string{"partNumber", "uploadId"}, op: (*Server).putPart},
	{method: "GET", object: true, need: []string{"uploadId"}, may: []string{"max-parts", "part-number-marker", "encoding-type"}, op: (*Server).listParts},
	{method: "POST", object: true, need: []string{"uploadId"}, op: (*Server).completeUpload},
	{method: "DELETE", object: true, need: []string{"uploadId"}, op: (*Server).abortUpload},
}

// understood are the x-amz- headers that this endpoint acts upon or may
// ignore without breaking a promise; any other is answered 501.
var understood = []string{
	"x-amz-date", "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-user-agent",
	"x-amz-checksum-sha256", "x-amz-checksum-sha1", "x-amz-checksum-crc32", "x-amz-checksum-crc32c",
	"x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode", "x-amz-sdk-checksum-algorithm",
}

// route finds the operation. A request with a parameter or header that it
// does not know must not fall through to a plain read or write.
func (s *Server) route(r *http.Request) (operation, string, error) {
	for name := range r.Header {
		if l := strings.ToLower(name); strings.HasPrefix(l, "x-amz-") && !slices.Contains(understood, l) {
			return nil, "", notImplemented("The header %s is not supported.", l)
		}
	}
	bucket, key, isObject := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	isObject = isObject && key != ""
	if bucket != s.bucket {
		return nil, "", refusal(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
	}
	if isObject && !validKey(key) {
		return nil, "", badRequest("InvalidArgument", "The key is not one of this storage: up to 10 segments of a-z, 0-9 and . _ = -.")
	}
	var asked []string
	for name := range r.URL.Query() {
		if !strings.HasPrefix(name, "X-Amz-") && name != "x-id" {
			asked = append(asked, name)
		}
	}
	for _, t := range routes {
		if t.method == r.Method && t.object == isObject && t.fits(asked) {
			return t.op, key, nil
		}
	}
	return nil, "", notImplemented("This operation is not supported.")
}

func (t route) fits(asked []string) bool {
	for _, n := range t.need {
		if !slices.Contains(asked, n) {
			return false
		}
	}
	for _, a := range asked {
		if !slices.Contains(t.need, a) && !slices.Contains(t.may, a) {
			return false
		}
	}
	return true
}
