package metrics

import (
	"net/http"
	"strconv"
)

// Storage measures the calls to the photo storage that go through next.
func (m *Metrics) Storage(next http.RoundTripper) http.RoundTripper {
	return &storageCalls{next: next, m: m}
}

type storageCalls struct {
	next http.RoundTripper
	m    *Metrics
}

// RoundTrip satisfies http.RoundTripper.
func (s *storageCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	start := s.m.now()
	res, err := s.next.RoundTrip(r)
	s.m.calls.WithLabelValues(r.Method).Observe(s.m.now().Sub(start).Seconds())
	switch {
	case err != nil && r.Context().Err() == nil:
		s.m.fails.WithLabelValues("no_answer").Inc()
	case err == nil && res.StatusCode >= 500:
		s.m.fails.WithLabelValues(strconv.Itoa(min(res.StatusCode, 599))).Inc()
	}
	return res, err
}
