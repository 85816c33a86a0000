package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// Event is something that somebody did to an account or a device (PA-08). By
// is uuid.Nil for the command line. At is Unix milliseconds.
type Event struct {
	At      int64
	By      uuid.UUID
	Action  string // person-created, password-set, code-issued, device-revoked, …
	Subject uuid.UUID
}

// Events keeps what was done, append-only.
type Events interface {
	AddEvent(ctx context.Context, e Event) error
	// EventsOf lists what was done to a person or device, newest first.
	EventsOf(ctx context.Context, subject uuid.UUID, limit int) ([]Event, error)
}

func (a *Auth) note(ctx context.Context, by Person, action string, subject uuid.UUID) error {
	err := a.cfg.Store.AddEvent(ctx, Event{At: a.cfg.Now().UnixMilli(), By: by.ID, Action: action, Subject: subject})
	if err != nil {
		return fmt.Errorf("note %s: %w", action, err)
	}
	return nil
}
