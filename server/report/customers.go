package report

import (
	"context"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// CustomerLine is a customer in a list.
type CustomerLine struct {
	ID        uuid.UUID
	Name      string
	Phone     string
	Address   string
	Contracts int
	Jobs      int
	LastJob   int64 // Unix milliseconds of the newest intake, 0 for none
}

// CustomerFile is one customer with contracts and products.
type CustomerFile struct {
	Row       schema.Row
	Community string
	Contracts []ContractFile
}

// ContractFile is one contract with its products.
type ContractFile struct {
	Row   schema.Row
	Items []schema.Row
}

// Customers are the files of one centre.
type Customers interface {
	// Customers gives a page of customers by name, and how many there are.
	Customers(ctx context.Context, centre uuid.UUID, limit, offset int) ([]CustomerLine, int, error)
	// CustomerFile reads one file; a NotFound fault for one of another centre.
	CustomerFile(ctx context.Context, centre, id uuid.UUID) (CustomerFile, error)
}
