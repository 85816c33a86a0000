package phone

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// settings are this phone's own: language, the technician's PIN and whether the
// screen is handed over to a customer. They belong to the device, not to the
// work, so they are no rows and never leave it. Losing the file costs the
// language choice and the PIN, nothing else.
type settings struct {
	path string // "" keeps them in memory only

	mu  sync.Mutex
	now settingsFile
}

type settingsFile struct {
	Lang      string `json:"lang,omitempty"`
	PINSalt   []byte `json:"pin_salt,omitempty"`
	PINHash   []byte `json:"pin_hash,omitempty"`
	PINFails  int    `json:"pin_fails,omitempty"`
	PINWait   int64  `json:"pin_wait,omitempty"`   // no try before this, Unix milliseconds
	LockedJob string `json:"locked_job,omitempty"` // the job whose hand-over page holds the screen
	Answered  bool   `json:"answered,omitempty"`   // the customer is done; the screen is held until the PIN
	Places    string `json:"places,omitempty"`     // whether photos and arrivals get a position: yes or no
	PlacesBy  string `json:"places_by,omitempty"`  // the person who said so
}

// openSettings reads the file in dir. A missing file is an empty one; one that
// can't be read as settings is put aside, never trusted.
func openSettings(dir string) (*settings, error) {
	if dir == "" {
		return &settings{}, nil
	}
	s := &settings{path: filepath.Join(dir, "phone.json")}
	b, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the phone's settings: %w", err)
	}
	if json.Unmarshal(b, &s.now) != nil {
		s.now = settingsFile{}
		if err := os.Rename(s.path, s.path+".broken"); err != nil {
			return nil, fmt.Errorf("put broken settings aside: %w", err)
		}
	}
	return s, nil
}

func (s *settings) get() settingsFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// update changes the settings and writes them durably: a kill leaves either the
// old file or the new one.
func (s *settings) update(change func(*settingsFile)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.now
	change(&next)
	if s.path != "" {
		b, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("write the phone's settings: %w", err)
		}
		if err := replaceFile(s.path, b); err != nil {
			return fmt.Errorf("write the phone's settings: %w", err)
		}
	}
	s.now = next
	return nil
}

func replaceFile(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	return err
}

// pinRounds makes guessing a copied file slow; a PIN of four digits stays a
// lock for the hand-over page, not for a thief.
const pinRounds = 60_000

// pinTries wrong PINs make the next try wait.
const pinTries = 5

// setPIN stores a new PIN of 4 to 6 digits.
func (s *settings) setPIN(pin string, rand io.Reader) error {
	salt := make([]byte, 16)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return fmt.Errorf("set the PIN: %w", err)
	}
	hash, err := pbkdf2.Key(sha256.New, pin, salt, pinRounds, 32)
	if err != nil {
		return fmt.Errorf("set the PIN: %w", err)
	}
	return s.update(func(f *settingsFile) {
		f.PINSalt, f.PINHash, f.PINFails, f.PINWait = salt, hash, 0, 0
	})
}

// checkPIN says whether the PIN is right. After pinTries wrong ones each
// further one waits half a minute; wait is how long is left.
func (s *settings) checkPIN(pin string, now time.Time) (ok bool, wait time.Duration, err error) {
	f := s.get()
	if left := time.UnixMilli(f.PINWait).Sub(now); f.PINWait > 0 && left > 0 && left <= pinPause {
		return false, left, nil
	}
	hash, err := pbkdf2.Key(sha256.New, pin, f.PINSalt, pinRounds, 32)
	if err != nil {
		return false, 0, fmt.Errorf("check the PIN: %w", err)
	}
	ok = len(f.PINHash) > 0 && subtle.ConstantTimeCompare(hash, f.PINHash) == 1
	err = s.update(func(f *settingsFile) {
		f.PINFails++
		if f.PINFails >= pinTries {
			f.PINWait = now.Add(pinPause).UnixMilli()
		}
		if ok {
			f.PINFails, f.PINWait = 0, 0
		}
	})
	return ok, 0, err
}

const pinPause = 30 * time.Second

// validPIN wants 4 to 6 digits.
func validPIN(pin string) bool {
	if len(pin) < 4 || len(pin) > 6 {
		return false
	}
	for _, c := range pin {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
