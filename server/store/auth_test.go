package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
)

func openAuth(tb testing.TB) *store.Store {
	tb.Helper()
	return storetest.Open(tb, storetest.New(tb))
}

func TestCodeIsClaimedOnce(t *testing.T) {
	ctx, s := context.Background(), openAuth(t)
	c := auth.Code{Digest: [32]byte{1}, Person: uuid.New(), Centre: uuid.New(), Created: 5, Expires: 10}
	if err := s.AddCode(ctx, c, 0); err != nil {
		t.Fatal(err)
	}
	c.Key, c.Device, c.Family, c.ClaimedAt = []byte("key"), uuid.New(), uuid.New(), 7
	if err := s.ClaimCode(ctx, c); err != nil {
		t.Fatal(err)
	}
	other := c
	other.Key = []byte("other")
	if err := s.ClaimCode(ctx, other); fault.CodeOf(err) != syncproto.NotFound {
		t.Errorf("claimed twice: %v", err)
	}
	got, err := s.CodeByDigest(ctx, c.Digest)
	if err != nil || string(got.Key) != "key" || got.Device != c.Device || got.Family != c.Family || got.Person != c.Person || got.Expires != 10 {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := s.AddCode(ctx, auth.Code{Digest: [32]byte{2}, Expires: 100}, 11); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CodeByDigest(ctx, c.Digest); fault.CodeOf(err) != syncproto.NotFound {
		t.Errorf("an old code is kept: %v", err)
	}
}

func TestFamilyChangesAreWholeOrNothing(t *testing.T) {
	ctx, s := context.Background(), openAuth(t)
	first := auth.Family{ID: uuid.New(), Device: uuid.New(), Centre: uuid.New(), Salt: [16]byte{3}, LastUsed: 1}
	if err := s.AddFamily(ctx, first); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	err := s.ChangeFamily(ctx, first.ID, func(f *auth.Family) error {
		f.Gen = 9
		return no
	})
	if !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	if f, err := s.Family(ctx, first.ID); err != nil || f != first {
		t.Errorf("got %+v, %v", f, err)
	}
	second := first
	second.ID, second.LastUsed = uuid.New(), 2
	if err := s.AddFamily(ctx, second); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Family(ctx, first.ID); err != nil || f.Ended != 2 || f.Why != "replaced" {
		t.Errorf("the older family: %+v, %v", f, err)
	}
	if f, err := s.Family(ctx, second.ID); err != nil || f.Ended != 0 {
		t.Errorf("the new family: %+v, %v", f, err)
	}
}

func TestUnknownThingsAreNotFound(t *testing.T) {
	ctx, s := context.Background(), openAuth(t)
	_, login := s.AccountByLogin(ctx, "nobody")
	_, person := s.AccountByID(ctx, uuid.New())
	_, _, session := s.SessionByDigest(ctx, [32]byte{})
	_, code := s.CodeByDigest(ctx, [32]byte{})
	_, family := s.Family(ctx, uuid.New())
	_, device := s.Device(ctx, uuid.New(), uuid.New())
	_, anywhere := s.DeviceByID(ctx, uuid.New())
	for name, err := range map[string]error{"login": login, "person": person, "session": session, "code": code, "family": family, "device": device, "device anywhere": anywhere} {
		if fault.CodeOf(err) != syncproto.NotFound || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
