package main

import (
	"context"

	"siteledger/server/store/storetest"
)

// cluster is a throw-away PostgreSQL server that makes everything durable.
type cluster struct {
	url  func(database string) string
	stop func()
}

// startCluster starts PostgreSQL in an empty folder that its own user can
// reach.
func startCluster(ctx context.Context, dir string) (cluster, error) {
	s, err := storetest.StartServer(ctx, dir, "fsync=on", "synchronous_commit=on", "shared_buffers=256MB", "max_connections=200")
	if err != nil {
		return cluster{}, err
	}
	return cluster{s.URL, s.Stop}, nil
}
