// Package logline is the server's log: an entry is one line of text or JSON,
// its fields are from one list, and what must never be in a log is taken out
// on the way.
//
// A handler never logs a body, a query or a token; this package is the net
// below it: control characters and line ends are written as escapes, values
// are cut at a length, and what looks like a token, a presigned signature or a
// mobile number is masked, also inside the text of an error.
package logline

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Field is a key of a log entry.
type Field struct{ Name, Meaning string }

// Fields is every key that an entry of the server may have, beside slog's own
// time, level and msg.
func Fields() []Field {
	return []Field{
		{"request", "id of a request, from the phone where it gave one; in the answer too"},
		{"method", "HTTP method"},
		{"route", "pattern of the path, never the path itself"},
		{"path", "path of a screen, without its query"},
		{"status", "HTTP status"},
		{"bytes", "bytes of the answer"},
		{"took", "time that it took"},
		{"code", "code of a fault, as in the protocol"},
		{"error", "what went wrong, with its causes"},
		{"device", "id of a phone"},
		{"person", "id of a person"},
		{"centre", "id of a service centre"},
		{"check", "condition of readiness"},
		{"places", "places on phones that a closed job left"},
		{"key", "object in the photo storage"},
		{"upload", "unfinished upload in the embedded storage"},
		{"address", "where a listener is"},
		{"metrics", "where the metrics' own listener is"},
		{"url", "how the server is reached"},
		{"photos", "where the embedded storage is"},
		{"data", "data folder"},
		{"history", "id of a history of the ledger"},
		{"stream", "id of a centre's or headquarters' stream"},
		{"pos", "place in a stream's ledger"},
		{"count", "how many"},
		{"batches", "batches of the ledger"},
		{"behind", "batches that are not shipped yet"},
		{"wait", "time until the next try"},
		{"schema", "version of the data model"},
		{"from", "first of a range"},
		{"to", "last of a range"},
	}
}

// mostText bounds one value in bytes: a panic's stack fits.
const mostText = 8 << 10

// New makes the server's logger; format is text or json.
func New(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	c := newCleaner()
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: c.replace}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// cleaner takes out of values what must not be in a log.
type cleaner struct {
	secrets []*regexp.Regexp // the first group stays, the rest is masked
	mobile  *regexp.Regexp
}

func newCleaner() *cleaner {
	return &cleaner{
		secrets: []*regexp.Regexp{
			regexp.MustCompile(`(?i)(bearer )[\w.~+/=-]+`),
			regexp.MustCompile(`(?i)(x-amz-(?:signature|credential|security-token)=)[^&\s"]+`),
			regexp.MustCompile(`(?i)((?:password|passwd|secret|token)=)[^&\s"]+`),
			regexp.MustCompile(`(\beyJ)[\w-]{8,}\.[\w-]+\.?[\w-]*`),
			regexp.MustCompile(`(?i)(postgres(?:ql)?://[^:/@\s]+:)[^@\s]+@`),
		},
		mobile: regexp.MustCompile(`\b1[3-9]\d{9}\b`),
	}
}

func (c *cleaner) replace(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(c.clean(a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error:
			a.Value = slog.StringValue(c.clean(v.Error()))
		case *slog.Source, slog.Level:
		default:
			a.Value = slog.StringValue(c.clean(fmt.Sprint(v)))
		}
	}
	return a
}

// clean masks secrets and escapes what could end a line or colour a terminal.
func (c *cleaner) clean(s string) string {
	if len(s) > mostText {
		s = strings.ToValidUTF8(s[:mostText], "") + "…"
	}
	for _, re := range c.secrets {
		s = re.ReplaceAllString(s, "${1}***")
	}
	s = c.mobile.ReplaceAllString(s, "1**********")
	if !strings.ContainsFunc(s, unwanted) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unwanted(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unwanted characters steer a terminal, end a line, or turn the direction of
// what follows.
func unwanted(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
