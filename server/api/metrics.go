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
	pushTime prometheus.Histogram
	batch    prometheus.Histogram // changes
	changes  prometheus.Counter
	wire     *prometheus.CounterVec // bytes of pushes, by form
	outcomes *prometheus.CounterVec // by outcome and reason
	pages    prometheus.Counter
	rows     prometheus.Counter
	plans    *prometheus.CounterVec // by state, or code
	commits  *prometheus.CounterVec // by code
	check    prometheus.Histogram   // seconds
	bytes    prometheus.Counter
	streams  prometheus.Gauge
	refused  *prometheus.CounterVec // by kind of work
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

func newMetrics(reg *prometheus.Registry, halls halls, b *budget) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "siteledger_request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30},
		}, []string{"method", "route", "status"}),
		pushes:   counters("siteledger_pushes_total", "Pushes by result.", "code"),
		pushTime: histogram("siteledger_push_seconds", "Time to take a batch whose body is here: check, fold, durable commit.", .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30),
		batch:    histogram("siteledger_push_changes", "Changes of an acknowledged push.", 1, 3, 10, 30, 100, 300, 1000),
		changes:  counter("siteledger_changes_total", "Changes in acknowledged pushes, re-sent ones too."),
		wire:     counters("siteledger_push_bytes_total", "Bytes of pushes, as they came over the wire and unpacked.", "form"),
		outcomes: counters("siteledger_outcomes_total", "Changes that were not plainly applied, re-sent ones too.", "code", "reason"),
		pages:    counter("siteledger_pages_total", "Pages of the feed."),
		rows:     counter("siteledger_page_rows_total", "Rows in pages of the feed."),
		plans:    counters("siteledger_blob_plans_total", "Planned uploads by what the phone is to do, and refused plans by their code.", "state"),
		commits:  counters("siteledger_blob_commits_total", "Uploads checked, by result.", "code"),
		check:    histogram("siteledger_blob_check_seconds", "Time to read an upload back, check and announce it.", .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60),
		bytes:    counter("siteledger_blob_bytes_total", "Bytes of uploads that were checked and kept."),
		streams:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "siteledger_event_streams", Help: "Open event streams."}),
		refused:  counters("siteledger_refused_total", "Calls told to come back because too much work of their kind waited.", "work"),
	}
	all := []prometheus.Collector{m.requests, m.pushes, m.pushTime, m.batch, m.changes, m.wire, m.outcomes, m.pages, m.rows, m.plans, m.commits, m.check, m.bytes, m.streams, m.refused,
		gauge("siteledger_body_bytes", "Bytes of request bodies that are coming in or wait.", nil, b.arriving.bytes)}
	for _, h := range halls.all() {
		work := prometheus.Labels{"work": h.name}
		h.refused = func(name string) { m.refused.WithLabelValues(name).Inc() }
		m.refused.With(work)
		all = append(all,
			gauge("siteledger_work_running", "Calls being worked on, by kind.", work, func() float64 { n, _ := h.load(); return float64(n) }),
			gauge("siteledger_work_waiting", "Calls that wait for their turn, by kind.", work, func() float64 { _, n := h.load(); return float64(n) }))
	}
	var errs []error
	for _, c := range all {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

func gauge(name, help string, labels prometheus.Labels, read func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, read)
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

func (m *metrics) push(changes, wire, plain int, took time.Duration, ans *syncproto.PushAnswer, err error) {
	m.wire.WithLabelValues("wire").Add(float64(wire))
	m.wire.WithLabelValues("plain").Add(float64(plain))
	m.pushTime.Observe(took.Seconds())
	if err != nil {
		m.pushes.WithLabelValues(string(fault.CodeOf(err))).Inc()
		return
	}
	m.pushes.WithLabelValues("ok").Inc()
	m.batch.Observe(float64(changes))
	m.changes.Add(float64(changes))
	for _, o := range ans.Outcomes {
		m.outcomes.WithLabelValues(string(o.Code), string(o.Reason)).Inc()
	}
}

func (m *metrics) page(rows int) {
	m.pages.Inc()
	m.rows.Add(float64(rows))
}

func (m *metrics) plan(blobs []syncproto.PlannedBlob, err error) {
	if err != nil {
		m.plans.WithLabelValues(string(fault.CodeOf(err))).Inc()
	}
	for _, b := range blobs {
		m.plans.WithLabelValues(b.State).Inc()
	}
}

func (m *metrics) commit(size int64, took time.Duration, err error) {
	m.check.Observe(took.Seconds())
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
