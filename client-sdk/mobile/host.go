package mobile

import (
	"errors"
	"time"

	"github.com/google/uuid"
)

// Host is what only the phone's shell can do. Its methods are called from any
// thread and may be called at the same time; an error of one is survived.
type Host interface {
	// KeyLoad, KeySave and KeyDelete keep small secrets in the system's keystore.
	// KeyLoad gives nothing for a name that is not there; KeySave is durable when
	// it returns.
	KeyLoad(name string) ([]byte, error)
	KeySave(name string, secret []byte) error
	KeyDelete(name string) error
	// FreeBytes is the room left for the app's files; below 0 for unknown.
	FreeBytes() (int64, error)
	// Metered says that the present network costs money (isActiveNetworkMetered);
	// the rule that the technician chose then says which originals wait. It is asked
	// before each photo. Call [App.Nudge] when the network is another one.
	Metered() (bool, error)
	// BootID names the phone's boot as a UUID, and UptimeMillis counts from it,
	// sleep included (elapsedRealtime). An empty BootID: the app's own start.
	BootID() (string, error)
	UptimeMillis() (int64, error)
	// Zone is the phone's time zone, such as Asia/Shanghai; empty: unknown.
	Zone() (string, error)
	// OnStatus tells what [App.Status] would, when it changed.
	OnStatus(json string) error
}

// keys is the shell's keystore.
type keys struct{ host Host }

func (k keys) Load(name string) ([]byte, error) {
	b, err := k.host.KeyLoad(name)
	if len(b) == 0 {
		return nil, err
	}
	return b, err
}

func (k keys) Save(name string, secret []byte) error { return k.host.KeySave(name, secret) }
func (k keys) Delete(name string) error              { return k.host.KeyDelete(name) }

// mono is the shell's clock that counts sleep; nil where it has none.
func mono(host Host) func() (uuid.UUID, uint64) {
	text, err := host.BootID()
	if err != nil {
		return nil
	}
	boot, err := uuid.Parse(text)
	if err != nil {
		return nil
	}
	return func() (uuid.UUID, uint64) {
		ms, err := host.UptimeMillis()
		if err != nil || ms < 0 {
			return boot, 0
		}
		return boot, uint64(ms)
	}
}

// zone is where the phone is. Go sees UTC on Android.
func zone(host Host) *time.Location {
	name, err := host.Zone()
	if err != nil || name == "" {
		return time.Local
	}
	where, err := time.LoadLocation(name)
	if err != nil {
		return time.Local
	}
	return where
}

func metered(host Host) func() bool {
	return func() bool {
		costs, err := host.Metered()
		return err == nil && costs
	}
}

var errPanic = errors.New("internal: 手机内部出错,之前保存的内容都在,请重新打开应用。 / Something went wrong inside. What was stored is safe; open the app again")
