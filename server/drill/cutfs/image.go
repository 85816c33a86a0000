package cutfs

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Cut takes the power away: from now on this disk answers nothing but EIO. It
// gives the disk as it is when the power is back.
func (d *Disk) Cut(r *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	return d.image(r)
}

// Image is the disk as a cut at this moment would leave it; the disk goes on.
func (d *Disk) Image(r *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.image(r)
}

func (d *Disk) image(r *rand.Rand) *Disk {
	keep := []float64{0, 0, 0.3, 0.7, 1}[r.IntN(5)]
	for _, op := range d.names {
		for _, dir := range op.dirs {
			defer func(sure map[string]*inode) { dir.sure = sure }(dir.sure)
			dir.sure = maps.Clone(dir.sure)
		}
		if r.Float64() < keep {
			op.apply()
		}
	}
	out := New()
	out.root = d.survivor(out, d.root, r, map[*inode]*inode{})
	return out
}

func (d *Disk) survivor(out *Disk, n *inode, r *rand.Rand, done map[*inode]*inode) *inode {
	if s := done[n]; s != nil {
		return s
	}
	s := out.newInode(n.dir, n.mode)
	s.mtime = n.mtime
	done[n] = s
	if !n.dir {
		s.data = n.torn(r)
		s.sureSize = int64(len(s.data))
		out.used += s.sureSize
		return s
	}
	for _, name := range slices.Sorted(maps.Keys(n.sure)) {
		child := d.survivor(out, n.sure[name], r, done)
		child.links++
		s.entries[name], s.sure[name] = child, child
	}
	return s
}

// torn is a file's synced content with some of what was written since.
func (n *inode) torn(r *rand.Rand) []byte {
	data := bytes.Clone(n.data)
	f := &inode{data: data, sureSize: n.sureSize}
	f.resize(n.sureSize, true)
	for s, b := range n.old {
		copy(f.data[s*sector:], b)
	}
	keep := []float64{0, 0, 0.3, 0.7, 1}[r.IntN(5)]
	for _, w := range n.pending {
		if r.Float64() >= keep {
			continue
		}
		if w.data == nil {
			f.resize(w.size, true)
			continue
		}
		from, to := int64(0), int64(len(w.data))
		if r.IntN(4) == 0 { // torn: a run of whole sectors
			from = r.Int64N(to+1) / sector * sector
			to = min(to, from+(r.Int64N(to-from+1))/sector*sector)
		}
		if from < to {
			f.resize(w.off+to, false)
			copy(f.data[w.off+from:], w.data[from:to])
		}
	}
	return f.data
}

// Load copies a folder of the machine to the disk, synced.
func (d *Disk) Load(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.load(d.root, dir)
}

func (d *Disk) load(at *inode, dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		if !e.IsDir() && !e.Type().IsRegular() {
			return fmt.Errorf("%s: neither file nor folder", e.Name())
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		n := d.newInode(e.IsDir(), uint32(info.Mode().Perm()))
		n.links, n.mtime = 1, info.ModTime()
		at.entries[e.Name()], at.sure[e.Name()] = n, n
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			err = d.load(n, path)
		} else if n.data, err = os.ReadFile(path); err == nil {
			n.sureSize = int64(len(n.data))
			d.used += n.sureSize
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Dump copies what programs would see to a folder of the machine.
func (d *Disk) Dump(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return dump(d.root, dir)
}

func dump(n *inode, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, child := range n.entries {
		path := filepath.Join(dir, name)
		if child.dir {
			if err := dump(child, path); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(path, child.data, fs.FileMode(child.mode).Perm()|0o600); err != nil {
			return err
		}
		if err := os.Chtimes(path, child.mtime, child.mtime); err != nil {
			return err
		}
	}
	return nil
}
