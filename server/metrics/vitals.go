package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Queue is one kind of matter that waits for a person.
type Queue struct {
	Kind   string
	Length int64
	Oldest int64 // Unix milliseconds; 0 for none
}

// Vitals are counts over the whole database.
type Vitals struct {
	Queues []Queue
	Logs   map[string]int64 // phones' logs by when they last called in: day, week, month
	Clocks map[string]int64 // those of the last day by how wrong the phone's clock was: minute, five_minutes, hour, more
}

// Store reads them on a snapshot.
type Store interface {
	Vitals(ctx context.Context, now time.Time) (Vitals, error)
}

const (
	// readEvery is how long a reading stands.
	readEvery = 15 * time.Second
	// readTime bounds one; an old one is told meanwhile.
	readTime = 2 * time.Second
)

// WatchStore registers the queues and the devices' clocks.
func (m *Metrics) WatchStore(s Store) error {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return m.Registry.Register(&vitals{
		store: s, now: m.now,
		length: desc("siteledger_queue_length", "Matters that wait for a person, all centres together, by kind.", "kind"),
		oldest: desc("siteledger_queue_oldest_seconds", "Age of the oldest of them, by kind.", "kind"),
		logs:   desc("siteledger_phone_logs", "Phones' logs by when they last called in: within a day, a week, a month.", "seen"),
		clocks: desc("siteledger_phone_clocks", "Phones of the last day by how wrong their clock was: under a minute, five minutes, an hour, more.", "off"),
		failed: desc("siteledger_vitals_failures_total", "Readings of the database for these numbers that failed."),
	})
}

// vitals is a collector that reads the database now and then.
type vitals struct {
	store                                Store
	now                                  func() time.Time
	length, oldest, logs, clocks, failed *prometheus.Desc

	mu       sync.Mutex
	at       time.Time
	last     Vitals
	failures int64
}

// Describe satisfies prometheus.Collector.
func (v *vitals) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{v.length, v.oldest, v.logs, v.clocks, v.failed} {
		out <- d
	}
}

// Collect satisfies prometheus.Collector.
func (v *vitals) Collect(out chan<- prometheus.Metric) {
	last, failures := v.read()
	gauge := func(d *prometheus.Desc, n float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	out <- prometheus.MustNewConstMetric(v.failed, prometheus.CounterValue, float64(failures))
	for _, q := range last.Queues {
		gauge(v.length, float64(q.Length), q.Kind)
		age := 0.0
		if q.Oldest > 0 {
			age = max(0, v.now().Sub(time.UnixMilli(q.Oldest)).Seconds())
		}
		gauge(v.oldest, age, q.Kind)
	}
	for _, seen := range []string{"day", "week", "month"} {
		gauge(v.logs, float64(last.Logs[seen]), seen)
	}
	for _, off := range []string{"minute", "five_minutes", "hour", "more"} {
		gauge(v.clocks, float64(last.Clocks[off]), off)
	}
}

func (v *vitals) read() (Vitals, int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	if age := now.Sub(v.at); age >= 0 && age < readEvery {
		return v.last, v.failures
	}
	v.at = now
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	fresh, err := v.store.Vitals(ctx, now)
	if err != nil {
		v.failures++
		return v.last, v.failures
	}
	v.last = fresh
	return v.last, v.failures
}
