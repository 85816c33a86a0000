package store

import "siteledger/server/metrics"

// Pool satisfies metrics.Pool: connections in use, for reading on SQLite, for
// everything on PostgreSQL.
func (s *Store) Pool() metrics.PoolStats {
	switch e := s.engine.(type) {
	case *file:
		return metrics.PoolStats{Busy: cap(e.idle) - len(e.idle), Most: cap(e.idle)}
	case *cluster:
		st := e.pool.Stat()
		return metrics.PoolStats{Busy: int(st.AcquiredConns()), Most: int(st.MaxConns())}
	}
	return metrics.PoolStats{}
}
