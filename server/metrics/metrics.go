// Package metrics is what an operator can see of a server from outside: the
// registry, and the measurements that belong to no single request: queues of
// cases, the writer's turn, the disk, the photo storage, devices' clocks.
// (Requests are measured by package api, in the same registry.)
//
// It must never name a centre, a person, a device, a job or a customer: a
// label has few values, known beforehand. It promises that reading it costs
// the server next to nothing, however often somebody reads: what needs the
// database is read at most every few seconds and never in the writer's turn.
package metrics

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics is a server's registry and its instruments. It is safe for
// concurrent use.
type Metrics struct {
	Registry *prometheus.Registry

	now   func() time.Time
	turn  prometheus.Histogram
	wait  prometheus.Histogram
	calls *prometheus.HistogramVec
	fails *prometheus.CounterVec
}

// New makes a registry with the Go runtime and the process in it.
func New(now func() time.Time) (*Metrics, error) {
	m := &Metrics{
		Registry: prometheus.NewRegistry(), now: now,
		turn: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "siteledger_fold_seconds", Help: "Work of one batch or office edit in the writer's turn: read, append, fold.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "siteledger_writer_seconds", Help: "From asking for the writer's turn until the commit is durable, without the work itself.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "siteledger_storage_seconds", Help: "Calls of this server to the photo storage until the answer's head, by method.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"method"}),
		fails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "siteledger_storage_errors_total", Help: "Calls to the photo storage that failed: no_answer, or a 5xx by its number.",
		}, []string{"reason"}),
	}
	start := now()
	uptime := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "siteledger_uptime_seconds", Help: "Time since the start."},
		func() float64 { return now().Sub(start).Seconds() })
	for _, reason := range []string{"no_answer", "500", "503"} {
		m.fails.WithLabelValues(reason)
	}
	return m, m.register(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.turn, m.wait, m.calls, m.fails, uptime)
}

// Build registers what this server is: the build's version, Go's, the data
// model's and the number of the merge rules.
func (m *Metrics) Build(version string, schema, rules int) error {
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "siteledger_build_info", Help: "1, with the build's version, Go's, the data model's and the merge rules'.",
	}, []string{"version", "go", "schema", "rules"})
	build.WithLabelValues(version, runtime.Version(), strconv.Itoa(schema), strconv.Itoa(rules)).Set(1)
	return m.register(build)
}

func (m *Metrics) register(all ...prometheus.Collector) error {
	var errs []error
	for _, c := range all {
		errs = append(errs, m.Registry.Register(c))
	}
	return errors.Join(errs...)
}

// Update runs a durable update and measures the work of fn apart from the
// waiting around it. do must call the function that it is given; where it does
// so again, only the last run is counted as work.
func (m *Metrics) Update(do func(run func(work func() error) error) error) error {
	start := m.now()
	var worked time.Duration
	ran := false
	err := do(func(work func() error) error {
		begun := m.now()
		defer func() { worked, ran = m.now().Sub(begun), true }()
		return work()
	})
	if ran {
		m.turn.Observe(worked.Seconds())
	}
	m.wait.Observe((m.now().Sub(start) - worked).Seconds())
	return err
}

// gauge registers a number that is asked for when somebody reads.
func (m *Metrics) gauge(name, help string, read func() float64) error {
	return m.Registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

func (m *Metrics) counter(name, help string, read func() float64) error {
	return m.Registry.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// WriterLoad is what a store's writers do.
type WriterLoad struct {
	Commits int64 // transactions committed since the start
	Updates int64 // that took part in them
	Waiting int64 // for their turn
}

// WatchWriter registers the writers' queue and the size of their groups:
// updates over commits.
func (m *Metrics) WatchWriter(load func() WriterLoad) error {
	return errors.Join(
		m.counter("siteledger_commits_total", "Durable transactions.", func() float64 { return float64(load().Commits) }),
		m.counter("siteledger_updates_total", "Updates committed; several may share a transaction.", func() float64 { return float64(load().Updates) }),
		m.gauge("siteledger_writer_waiting", "Updates that wait for their turn to write.", func() float64 { return float64(load().Waiting) }),
	)
}

// PoolStats is how a pool of connections stands.
type PoolStats struct {
	Busy, Most int // connections in use, and how many there may be
}

// Pool is a store with a bounded number of connections for reading.
type Pool interface{ Pool() PoolStats }

// WatchPool registers the connections that snapshots are read on.
func (m *Metrics) WatchPool(p Pool) error {
	return errors.Join(
		m.gauge("siteledger_readers_busy", "Database connections in use for reading.", func() float64 { return float64(p.Pool().Busy) }),
		m.gauge("siteledger_readers_most", "Database connections for reading there may be.", func() float64 { return float64(p.Pool().Most) }),
	)
}

// WatchDamage registers whether the database was found damaged, which ends all
// writing until somebody has put it right.
func (m *Metrics) WatchDamage(damaged func() bool) error {
	return m.gauge("siteledger_database_damaged", "1 where a damaged page of the database was met: nothing is stored any more until a server is started on one that was put right.", func() float64 {
		if damaged() {
			return 1
		}
		return 0
	})
}

// WatchDisk registers the room left in a folder. free answers −1 where the
// system does not say.
func (m *Metrics) WatchDisk(free, size func() float64) error {
	return errors.Join(
		m.gauge("siteledger_disk_free_bytes", "Room left for the data folder; -1 where unknown.", free),
		m.gauge("siteledger_disk_bytes", "Size of the disk under the data folder; -1 where unknown.", size),
	)
}

// Shipping is a worker that copies the ledger elsewhere.
type Shipping interface {
	// Lag is the age of the oldest acknowledged batch that is not copied yet;
	// false where nothing is shipped.
	Lag(ctx context.Context) (time.Duration, bool)
}

// WatchShipping registers how far the ledger's copies elsewhere are behind. A
// nil worker, and one that is off, read as -1.
func (m *Metrics) WatchShipping(s Shipping) error {
	return m.gauge("siteledger_shipping_lag_seconds", "Age of the oldest acknowledged batch without a copy elsewhere; -1 where nothing is shipped.", func() float64 {
		if s == nil {
			return -1
		}
		ctx, cancel := context.WithTimeout(context.Background(), readTime)
		defer cancel()
		lag, on := s.Lag(ctx)
		if !on {
			return -1
		}
		return lag.Seconds()
	})
}
