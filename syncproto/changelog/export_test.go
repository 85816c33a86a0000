package changelog

// Read decodes with the library alone.
func Read(c *Codec, b []byte) (*Change, error) { return c.read(b) }

// Canonical says whether the bytes are read without the library.
func Canonical(b []byte) bool {
	_, ok := canonical(b)
	return ok
}
