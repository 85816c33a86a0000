package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"siteledger/server/config"
	"siteledger/syncproto"
)

// storageUser and storageSecret are how the embedded storage is reached.
const (
	storageUser   = "siteledger"
	storageSecret = "keys/storage.secret"
)

// photo: PUTs to the presigned addresses of a plan, against minio-go's own PUT
// of the same bytes to the same storage.
func (b *bench) photo(ctx context.Context) ([]*row, error) {
	got, err := b.photos(ctx)
	if err != nil {
		return nil, err
	}
	r := compare(b.row, "MB/s", got.ours, got.floor)
	r.atLeast("ratio", r.Ratio, 0.95)
	r.figure("photos", float64(b.size.photos))
	r.figure("photo_mb", mb(float64(b.size.photoBytes)))
	r.figure("server_peak_mb", got.peak.median())
	return []*row{r}, nil
}

// photoCheck: the server's CPU time to read a stored photo back and check it,
// against SHA-256 over the same bytes in memory.
func (b *bench) photoCheck(ctx context.Context) ([]*row, error) {
	got, err := b.photos(ctx)
	if err != nil {
		return nil, err
	}
	r := compare(b.row, "ms CPU per 4 MB", got.check, got.hash)
	r.atMost("ms", r.Ours, 15)
	r.note("the embedded storage is part of the same process: its own work for the reading back counts")
	return []*row{r}, nil
}

// photoFigures are what both rows of photos are made of, a sample of each run.
type photoFigures struct {
	ours, floor series // MB/s
	check, hash series // ms of CPU for 4 MB
	peak        series
}

// photos measures both rows at once; the second asks for what is there.
func (b *bench) photos(ctx context.Context) (*photoFigures, error) {
	if b.photoRuns != nil {
		return b.photoRuns, nil
	}
	template, err := b.folder("template")
	if err != nil {
		return nil, err
	}
	var d *device
	err = fill(ctx, template, func(w *world) error {
		fleet, err := w.installers(ctx, 1, 1)
		if err != nil {
			return err
		}
		d = fleet[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out photoFigures
	for i := range b.runs {
		dir := filepath.Join(b.dir, b.row, fmt.Sprintf("run%d", i))
		if err := copyFolder(template, dir); err != nil {
			return nil, err
		}
		if err := b.photoRun(ctx, d, dir, i, &out); err != nil {
			return nil, err
		}
		b.say("run %d of %d: %.0f MB/s, floor %.0f MB/s, check %.1f ms, floor %.1f ms", i+1, b.runs, out.ours[i], out.floor[i], out.check[i], out.hash[i])
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	b.photoRuns = &out
	return &out, nil
}

// photoRun uploads fresh photos, each first one way and then the other, and
// then has them checked.
func (b *bench) photoRun(ctx context.Context, d *device, dir string, run int, out *photoFigures) (err error) {
	s, err := b.serve(serverSpec{Data: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	files := make([][]byte, b.size.photos)
	for i := range files {
		files[i] = make([]byte, b.size.photoBytes)
		if _, err := rand.Read(files[i]); err != nil {
			return err
		}
		copy(files[i], "\xff\xd8\xff\xe0")
	}
	if err := s.begin(fmt.Sprintf("photo-%d", run+1)); err != nil {
		return err
	}
	u := &uploader{d: d, base: s.url, client: fleetClient(4), secret: filepath.Join(dir, filepath.FromSlash(storageSecret))}
	defer u.client.CloseIdleConnections()
	var mine, bare, hash time.Duration
	for i, f := range files {
		if err := u.upload(ctx, f, i%2 == 0); err != nil {
			return err
		}
		start := time.Now()
		sum := sha256.Sum256(f)
		hash += time.Since(start)
		u.sums = append(u.sums, sum)
	}
	mine, bare = u.mine, u.bare
	before, err := cpuSeconds(s.pid())
	if err != nil {
		return err
	}
	for _, sum := range u.sums {
		if err := u.commit(ctx, sum); err != nil {
			return err
		}
	}
	after, err := cpuSeconds(s.pid())
	if err != nil {
		return err
	}
	used, err := s.measured()
	if err != nil {
		return err
	}
	total := float64(len(files) * b.size.photoBytes)
	fours := total / (4 << 20)
	out.ours, out.floor = append(out.ours, mb(total)/mine.Seconds()), append(out.floor, mb(total)/bare.Seconds())
	out.check, out.hash = append(out.check, (after-before)*1000/fours), append(out.hash, hash.Seconds()*1000/fours)
	out.peak = append(out.peak, mb(used.peak))
	return nil
}

// uploader puts photos into the storage in both ways.
type uploader struct {
	d          *device
	base       string
	client     *http.Client
	secret     string // path of the storage's secret
	direct     *minio.Client
	bucket     string
	n          int
	mine, bare time.Duration
	sums       [][32]byte
}

// upload plans a photo and puts it, and the same bytes directly; which of the
// two comes first changes.
func (u *uploader) upload(ctx context.Context, file []byte, oursFirst bool) error {
	sum := sha256.Sum256(file)
	var a syncproto.PlanAnswer
	err := u.json(ctx, syncproto.PathBlobPlan, syncproto.PlanRequest{Blobs: []syncproto.PlanBlob{
		{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(file)), Type: "image/jpeg", Purpose: syncproto.PurposePhoto}}}, &a)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if len(a.Blobs) != 1 || a.Blobs[0].State != syncproto.StatePut {
		return fmt.Errorf("plan: %+v", a.Blobs)
	}
	if err := u.connect(a.Blobs[0].URL); err != nil {
		return err
	}
	if oursFirst {
		return errors.Join(u.put(ctx, a.Blobs[0], file), u.putDirect(ctx, file))
	}
	return errors.Join(u.putDirect(ctx, file), u.put(ctx, a.Blobs[0], file))
}

// connect makes minio's client of the storage that a presigned address names.
func (u *uploader) connect(presigned string) error {
	if u.direct != nil {
		return nil
	}
	at, err := url.Parse(presigned)
	if err != nil {
		return err
	}
	secret, err := config.ReadSecret(u.secret)
	if err != nil {
		return err
	}
	u.bucket, _, _ = strings.Cut(strings.TrimPrefix(at.Path, "/"), "/")
	u.direct, err = minio.New(at.Host, &minio.Options{Creds: credentials.NewStaticV4(storageUser, secret, ""), Region: "us-east-1"})
	return err
}

// put is what a phone does; only this is timed.
func (u *uploader) put(ctx context.Context, p syncproto.PlannedBlob, file []byte) error {
	start := time.Now()
	defer func() { u.mine += time.Since(start) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.URL, bytes.NewReader(file))
	if err != nil {
		return err
	}
	for k, v := range p.Headers {
		req.Header.Set(k, v)
	}
	res, err := u.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("put: %d %.300s", res.StatusCode, body)
	}
	return err
}

func (u *uploader) putDirect(ctx context.Context, file []byte) error {
	u.n++
	start := time.Now()
	defer func() { u.bare += time.Since(start) }()
	_, err := u.direct.PutObject(ctx, u.bucket, fmt.Sprintf("bench/%d", u.n), bytes.NewReader(file), int64(len(file)), minio.PutObjectOptions{ContentType: "image/jpeg"})
	if err != nil {
		return fmt.Errorf("minio-go: %w", err)
	}
	return nil
}

// commit has a photo read back and checked, and wants the receipt.
func (u *uploader) commit(ctx context.Context, sum [32]byte) error {
	var a syncproto.CommitAnswer
	if err := u.json(ctx, syncproto.PathBlobCommit, syncproto.CommitRequest{SHA256: hex.EncodeToString(sum[:])}, &a); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if a.Receipt == "" {
		return errors.New("commit: no receipt")
	}
	return nil
}

func (u *uploader) json(ctx context.Context, path string, in, into any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", syncproto.TypeJSON)
	req.Header.Set("Authorization", "Bearer "+u.d.token)
	res, err := u.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return refusal(res.StatusCode, b)
	}
	return json.Unmarshal(b, into)
}
