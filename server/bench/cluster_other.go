//go:build !linux

package main

import (
	"context"
	"errors"
)

// cluster is a throw-away PostgreSQL server; on Linux alone.
type cluster struct {
	url  func(database string) string
	stop func()
}

func startCluster(context.Context, string) (cluster, error) {
	return cluster{}, errors.New("a PostgreSQL server is started on Linux alone")
}
