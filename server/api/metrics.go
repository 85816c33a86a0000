package api

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// metrics counts what the API does. No label holds an id or a name.
type metrics struct {
	requests *prometheus.HistogramVec // seconds, by method, route, status
	pushes   *prometheus.CounterVec   // by code; "ok" for an acknowledged one
	changes  prometheus.Counter
	outcomes *prometheus.CounterVec // by outcome and reason
	commits  *prometheus.CounterVec // by code
	bytes    prometheus.Counter
	streams  prometheus.Gauge
}

func newMetrics(reg *prometheus.Registry, now func() time.Time) (*metrics, error) {
	start := now()
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "siteledger_request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route", "status"}),
		pushes:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "siteledger_pushes_total", Help: "Pushes by result."}, []string{"code"}),
		changes:  prometheus.NewCounter(prometheus.CounterOpts{Name: "siteledger_changes_total", Help: "Changes in acknowledged pushes, re-sent ones too."}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "siteledger_outcomes_total", Help: "Changes that were not plainly applied, re-sent ones too."}, []string{"code", "reason"}),
		commits:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "siteledger_blob_commits_total", Help: "Uploads checked, by result."}, []string{"code"}),
		bytes:    prometheus.NewCounter(prometheus.CounterOpts{Name: "siteledger_blob_bytes_total", Help: "Bytes of uploads that were checked and kept."}),
		streams:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "siteledger_event_streams", Help: "Open event streams."}),
	}
	uptime := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "siteledger_uptime_seconds", Help: "Time since the start."}, func() float64 { return now().Sub(start).Seconds() })
	var errs []error
	for _, c := range []prometheus.Collector{m.requests, m.pushes, m.changes, m.outcomes, m.commits, m.bytes, m.streams, uptime} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

func (m *metrics) request(method, route string, status int, took time.Duration) {
	switch method {
	case "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH":
	default:
		method = "other" // a caller must not make labels
	}
	if route == syncproto.PathEvents {
		return // its length says nothing about the server
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) push(changes int, ans *syncproto.PushAnswer, err error) {
	if err != nil {
		m.pushes.WithLabelValues(string(fault.CodeOf(err))).Inc()
		return
	}
	m.pushes.WithLabelValues("ok").Inc()
	m.changes.Add(float64(changes))
	for _, o := range ans.Outcomes {
		m.outcomes.WithLabelValues(string(o.Code), string(o.Reason)).Inc()
	}
}

func (m *metrics) commit(size int64, err error) {
	if err != nil {
		m.commits.WithLabelValues(string(fault.CodeOf(err))).Inc()
		return
	}
	m.commits.WithLabelValues("ok").Inc()
	m.bytes.Add(float64(size))
}

// metricsPage serves GET /metrics. Whoever may not read it does not learn that
// it is there.
func (s *Server) metricsPage(c echo.Context, _ auth.Grant) error {
	if s.cfg.MayReadMetrics != nil && !s.cfg.MayReadMetrics(c.Request()) {
		return echo.NewHTTPError(http.StatusNotFound)
	}
	promhttp.HandlerFor(s.cfg.Metrics, promhttp.HandlerOpts{}).ServeHTTP(c.Response(), c.Request())
	return nil
}
