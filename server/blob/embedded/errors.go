package embedded

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"syscall"
)

// apiError is an answer of S3's own vocabulary.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func refusal(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func accessDenied(format string, args ...any) *apiError {
	return refusal(http.StatusForbidden, "AccessDenied", format, args...)
}

func badRequest(code, format string, args ...any) *apiError {
	return refusal(http.StatusBadRequest, code, format, args...)
}

func notImplemented(format string, args ...any) *apiError {
	return refusal(http.StatusNotImplemented, "NotImplemented", format, args...)
}

func noSuchKey() *apiError {
	return refusal(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func noSuchUpload() *apiError {
	return refusal(http.StatusNotFound, "NoSuchUpload", "The upload does not exist; it may have been completed or aborted.")
}

func preconditionFailed() *apiError {
	return refusal(http.StatusPreconditionFailed, "PreconditionFailed", "The object is already there and was asked not to be replaced.")
}

// refuse writes an error. A foreign error is the disk's: logged in full, told
// as an internal error. The path is logged, the query never.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var a *apiError
	if !errors.As(err, &a) {
		a = refusal(http.StatusInternalServerError, "InternalError", "The storage failed; nothing was published.")
		if errors.Is(err, syscall.ENOSPC) {
			a = refusal(http.StatusInsufficientStorage, "InsufficientStorage", "The disk is full; nothing was published.")
		}
		s.log.Error("storage", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return
	}
	writeXML(w, struct {
		XMLName  xml.Name `xml:"Error"`
		Code     string   `xml:"Code"`
		Message  string   `xml:"Message"`
		Resource string   `xml:"Resource"`
	}{Code: a.code, Message: a.message, Resource: r.URL.Path})
}

// writeXML writes a body after the header; a client that has gone is not an
// error of ours.
func writeXML(w http.ResponseWriter, v any) {
	b, err := xml.Marshal(v)
	if err != nil {
		return
	}
	_, _ = w.Write(append([]byte(xml.Header), b...))
}

// answerXML is a 200 with a body.
func answerXML(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusOK)
	writeXML(w, v)
}
