package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Run serves until ctx ends, then stops taking new work, ends the event
// streams and waits for what is under way, at most the configured time.
func (a *App) Run(ctx context.Context) error {
	a.storage.serve(a.Log)
	a.serveMetrics()
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		a.upkeep(a.stopping)
	}()
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		a.hearOthers(a.stopping)
	}()
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		a.lookAtPhotos(a.stopping)
	}()
	defer func() { <-looked }()
	defer func() { <-heard }()
	defer func() { <-kept }()
	defer a.startShipping()() // after the drain: what it let finish is shipped too
	defer a.stop()
	failed := make(chan error, 1)
	go func() { failed <- a.listen() }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return a.drain()
}

func (a *App) listen() error {
	if a.server.TLSConfig != nil {
		return a.server.ServeTLS(a.listener, "", "")
	}
	return a.server.Serve(a.listener)
}

// drain ends in this order: /readyz says 503 and every answer asks its caller
// to connect anew, so that load balancers and phones turn elsewhere while this
// server still serves (idle connections stay open for that time: a request that
// is on its way over one that closes would be lost); then the listener closes, event streams end with a
// comment, and what is under way finishes.
func (a *App) drain() error {
	a.leaving.Store(true)
	a.api.Leave()
	time.Sleep(a.Config.Limits.DrainWait)
	a.server.SetKeepAlivesEnabled(false)
	ctx, cancel := context.WithTimeout(context.Background(), a.Config.Limits.ShutdownTimeout)
	defer cancel()
	a.stop()             // ends the screens' event streams
	err := a.api.Close() // and the phones'
	if stop := a.server.Shutdown(ctx); stop != nil {
		return errors.Join(err, fmt.Errorf("drain: %w", stop), a.server.Close())
	}
	return err
}

// Close gives everything back, in the reverse of the order it was opened.
func (a *App) Close() error {
	a.stop()
	var errs []error
	if a.server != nil {
		errs = append(errs, a.server.Close())
	} else if a.listener != nil {
		errs = append(errs, a.listener.Close())
	}
	if a.storage != nil {
		errs = append(errs, a.storage.close())
	}
	errs = append(errs, a.closeMetrics())
	return errors.Join(append(errs, a.Core.Close())...)
}

// serve starts the embedded storage; an external one needs nothing.
func (s *storage) serve(log *slog.Logger) {
	if s.embedded == nil || s.server != nil {
		return
	}
	s.server = &http.Server{Handler: s.embedded, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() {
		if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("photo storage stopped", "error", err)
		}
	}()
}

func (s *storage) close() error {
	if s.embedded == nil {
		return nil
	}
	var errs []error
	if s.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := s.server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			// An upload that is cut here goes on later from the parts that are
			// there; a connection on which nothing was ever asked is no loss.
			err = s.server.Close()
		}
		errs = append(errs, err)
	} else {
		errs = append(errs, s.listener.Close())
	}
	return errors.Join(append(errs, s.embedded.Close())...)
}
