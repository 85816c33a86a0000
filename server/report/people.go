package report

import (
	"context"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// PersonLine is somebody on the people page.
type PersonLine struct {
	ID       uuid.UUID
	Centre   uuid.UUID
	Name     string
	Login    string
	Phone    string
	Skills   string
	Role     schema.Role
	Language string
	Active   bool
	OpenJobs int
}

// CentreName is a centre, for whoever sees several.
type CentreName struct {
	ID           uuid.UUID
	Name         string
	NameEN       string
	Headquarters bool
}

// People are the people of a centre.
type People interface {
	People(ctx context.Context, centre uuid.UUID) ([]PersonLine, error)
	// Centres lists all streams, headquarters first.
	Centres(ctx context.Context) ([]CentreName, error)
}
