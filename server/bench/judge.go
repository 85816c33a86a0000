package main

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"os"
	"time"

	lens "siteledger/client-sdk/phone/picture"
	"siteledger/server/demo/scene"
)

// judged is how many photos one run of photo_judge looks at.
const judged = 3

// photoJudge: what the phone does with a photo of twelve megapixels before it
// asks "blurred, take it again?": type, EXIF, decoding, preview, sharpness and
// exposure, in Go, in CPU time, so that other processes do not count. The floor
// is the decoding alone.
func (b *bench) photoJudge(ctx context.Context) ([]*row, error) {
	st := scene.NewStudio()
	files := make([][]byte, judged)
	for i := range files {
		files[i] = st.Photo(scene.Spec{Seed: uint64(i + 1), ID: fmt.Sprintf("bench %d", i), Fault: scene.DoorColour, View: scene.Full, Width: 4000, Height: 3000, Orientation: 6})
	}
	var ours, floor series
	for i := range b.runs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		mine, err := cpuEach(files, func(f []byte) error {
			facts, err := lens.Inspect(f, nil, time.UTC)
			if err == nil && (facts.Quality == nil || facts.Preview == nil) {
				err = fmt.Errorf("a photo of %d bytes was not measured", len(f))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		bare, err := cpuEach(files, func(f []byte) error {
			_, err := jpeg.Decode(bytes.NewReader(f))
			return err
		})
		if err != nil {
			return nil, err
		}
		ours, floor = append(ours, mine), append(floor, bare)
		b.say("run %d of %d: %.0f ms, decoding alone %.0f ms", i+1, b.runs, mine, bare)
	}
	r := compare(b.row, "ms CPU a photo", ours, floor)
	r.atMost("ms", r.Ours, 800)
	r.figure("photo_mb", mb(float64(len(files[0]))))
	return []*row{r}, nil
}

// cpuEach is the CPU time of one file in milliseconds, garbage collection
// included.
func cpuEach(files [][]byte, do func([]byte) error) (float64, error) {
	before, err := cpuSeconds(os.Getpid())
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if err := do(f); err != nil {
			return 0, err
		}
	}
	after, err := cpuSeconds(os.Getpid())
	return (after - before) * 1000 / float64(len(files)), err
}
