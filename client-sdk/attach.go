package clientsdk

import (
	"context"
	"io"
)

// CanCapture says, before a photo of about size bytes is taken, whether there
// is room for it; [ErrStorageFull] with a sentence for the technician where
// there is not. Photos that the server has for sure make room first.
func (c *Client) CanCapture(ctx context.Context, size int64) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return explained(c.blobs.CanStore(ctx, size))
}

// Attach stores bytes in the photo store, synced when it returns. purpose is
// one of syncproto's; the bytes must begin as their media type does. Nothing is
// sent before a row names the hash (see [Edit.Insert]). Storing the same bytes
// twice gives the same attachment.
//
// [ErrStorageFull] before anything is written where room is short, and where
// the disk fills up meanwhile.
func (c *Client) Attach(ctx context.Context, r io.Reader, purpose, mediaType string) (Attachment, error) {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return Attachment{}, err
	}
	defer end()
	if _, err := c.enrolled(); err != nil {
		return Attachment{}, err
	}
	b, err := c.blobs.Put(ctx, r, purpose, mediaType)
	if err != nil {
		return Attachment{}, explained(err)
	}
	c.changed()
	return Attachment{SHA256: b.SHA256, Size: b.Size}, nil
}

// OpenAttachment opens stored bytes. [CodeBlobAbsent] where they are not on
// this phone, because another device took the photo or its copy was freed.
func (c *Client) OpenAttachment(sha [32]byte) (io.ReadSeekCloser, error) {
	f, err := c.blobs.OpenFile(sha)
	if err != nil {
		return nil, explained(err)
	}
	return f, nil
}

// Discard removes a stored file that no record names (its state is [Stored]): an
// edit that was to name it was refused, or the app was killed in between. It is
// gone for good. [CodeBlobNamed] where a record names it, [CodeBlobAbsent] where
// it is not on this phone.
func (c *Client) Discard(ctx context.Context, sha [32]byte) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := c.blobs.Discard(ctx, sha); err != nil {
		return explained(err)
	}
	c.changed()
	return nil
}
