package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/blob"
	"siteledger/server/ledger"
	"siteledger/server/store"
)

// verdict is what verify prints with -json.
type verdict struct {
	OK      bool            `json:"ok"`
	Batches int             `json:"batches"`
	Changes int             `json:"changes"`
	Logs    int             `json:"logs"`
	Blobs   int             `json:"blobs"`
	Log     []ledger.Damage `json:"log,omitempty"`
	Photos  []photoFault    `json:"photos,omitempty"`

	Rows  int                `json:"rows,omitempty"` // compared with a rebuild
	State []store.Difference `json:"state,omitempty"`
}

type photoFault struct {
	Centre uuid.UUID `json:"centre"`
	SHA256 string    `json:"sha256"`
	Key    string    `json:"key"`
	What   string    `json:"what"`
}

func (f photoFault) String() string {
	return fmt.Sprintf("centre %s, photo %s (%s): %s", f.Centre, f.SHA256, f.Key, f.What)
}

// errStop ends a reading after the first fault.
var errStop = errors.New("first fault found")

// verify reads every log's chain and signatures and every photo's bytes. It
// names the log and number, or the photo, of what is not as it was signed.
func (p program) verify(ctx context.Context, args []string) error {
	fs, settings := p.flags("verify", "data")
	asJSON := fs.Bool("json", false, "print one JSON object")
	rebuild := fs.Bool("rebuild", false, "also fold the whole ledger again and compare the state row by row")
	all := fs.Bool("all", false, "go on behind the first fault")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	if err := hasData(cfg); err != nil {
		return err
	}
	core, err := app.OpenCore(ctx, cfg, p.logger(cfg.Log))
	if err != nil {
		return err
	}
	defer core.Close()
	v := verdict{}
	err = p.verifyLedger(ctx, core, &v, *all)
	if err == nil {
		err = p.verifyPhotos(ctx, core, &v, *all)
	}
	if err == nil && *rebuild {
		err = p.verifyState(ctx, core, &v, *all)
	}
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	v.OK = len(v.Log) == 0 && len(v.Photos) == 0 && len(v.State) == 0
	return p.tell(v, *asJSON)
}

func (p program) verifyLedger(ctx context.Context, core *app.Core, v *verdict, all bool) error {
	var keys []ed25519.PublicKey
	for _, k := range core.Keys.Public() {
		keys = append(keys, k.PublicKey)
	}
	streams, err := core.Store.Streams(ctx)
	if err != nil {
		return err
	}
	for _, s := range streams {
		n, err := ledger.Verify(ctx, core.Store, s.ID, keys, func(d ledger.Damage) error {
			v.Log = append(v.Log, d)
			if all {
				return nil
			}
			return errStop
		})
		v.Batches, v.Changes, v.Logs = v.Batches+n.Batches, v.Changes+n.Changes, v.Logs+n.Logs
		if err != nil {
			return err
		}
	}
	return nil
}

func (p program) verifyPhotos(ctx context.Context, core *app.Core, v *verdict, all bool) (err error) {
	blobs, done, err := core.OpenBlobs()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return blobs.VerifyProgress(ctx, func(f blob.Fault) error {
		v.Photos = append(v.Photos, photoFault{f.Centre, hex.EncodeToString(f.SHA256[:]), f.Key, f.Kind + " " + f.Detail})
		if all {
			return nil
		}
		return errStop
	}, func(pr blob.Progress) {
		v.Blobs = pr.Blobs
		if pr.Blobs%500 == 0 {
			fmt.Fprintf(p.err, "%d photos read\n", pr.Blobs)
		}
	})
}

func (p program) verifyState(ctx context.Context, core *app.Core, v *verdict, all bool) error {
	last := 0
	n, err := core.Rebuild(ctx, func(changes int) {
		if changes-last >= 20000 {
			last = changes
			fmt.Fprintf(p.err, "%d changes folded again\n", changes)
		}
	}, func(d store.Difference) error {
		v.State = append(v.State, d)
		if all {
			return nil
		}
		return errStop
	})
	v.Rows = n.Rows
	return err
}

func (p program) tell(v verdict, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(p.out).Encode(v); err != nil {
			return err
		}
	} else {
		for _, d := range v.Log {
			fmt.Fprintln(p.out, "FAULT", d)
		}
		for _, f := range v.Photos {
			fmt.Fprintln(p.out, "FAULT", f)
		}
		for _, d := range v.State {
			fmt.Fprintln(p.out, "FAULT state", d)
		}
		if v.Rows > 0 && v.OK {
			fmt.Fprintf(p.out, "ok: the ledger folds to the same state, %d rows compared\n", v.Rows)
		}
		if v.OK {
			fmt.Fprintf(p.out, "ok: %d changes in %d batches of %d logs, %d photos\n", v.Changes, v.Batches, v.Logs, v.Blobs)
		}
	}
	if !v.OK {
		return errFault
	}
	return nil
}
