package syncproto

// Limits are inclusive. A server may be configured with others and says which
// in the answer that refuses.
type Limits struct {
	MaxChangeBytes  int   // one encoded change
	MaxBatchChanges int   // changes in one push
	MaxBatchBytes   int   // decoded bytes of one push
	MaxTxnChanges   int   // changes of one transaction
	MaxTxnBytes     int   // encoded bytes of one transaction
	MaxPageRows     int   // rows of one pull page
	MaxPreviewBytes int64 // a preview picture
	MaxPhotoBytes   int64 // any other blob
}

// DefaultLimits are the protocol's own (PROTOCOL.md, section 10).
func DefaultLimits() Limits {
	return Limits{
		MaxChangeBytes:  64 << 10,
		MaxBatchChanges: 1000,
		MaxBatchBytes:   4 << 20,
		MaxTxnChanges:   1000,
		MaxTxnBytes:     1 << 20,
		MaxPageRows:     1000,
		MaxPreviewBytes: 32 << 10,
		MaxPhotoBytes:   50 << 20,
	}
}

// DefaultPageRows is the page size of a pull that names none.
const DefaultPageRows = 500
