package logstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"flyball/internal/damage"
	"flyball/internal/mark"
)

// Check looks at all log events in a folder that nobody has open.
func Check(dir string) (r damage.Report, err error) {
	r = damage.Report{Store: "log events", Items: "blocks"}
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return r, err
	}
	if lost, err := bookLost(dir); err != nil {
		return r, err
	} else if lost {
		r.Found = append(r.Found, mark.Lost(filepath.Join(dir, mark.FileName)))
	}
	book, damaged, err := mark.Read(filepath.Join(dir, mark.FileName))
	if err != nil {
		return r, err
	}
	if damaged > 0 {
		r.Found = append(r.Found, mark.Finding(filepath.Join(dir, mark.FileName), damaged))
	}
	for _, path := range missing(dir, book) {
		r.Found = append(r.Found, damage.Finding{File: path, Where: "it is gone, and with it log events", Repair: func(string) (string, error) {
			book.Forget(filepath.Base(path))
			return "the other log events are kept", nil
		}})
	}
	for _, path := range files {
		if err := checkSegment(path, book, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

func checkSegment(path string, book *mark.Book, r *damage.Report) error {
	seg, in, err := readSegment(path)
	if err != nil {
		return err
	}
	defer seg.file.Close()
	name := filepath.Base(path)
	size, noted := seg.size.Load(), book.Length(name)
	raw := seg.raw || len(in.blocks)+len(in.replaces) == 0
	r.Sound += len(in.blocks)
	repair := func(aside string) (string, error) { return repairSegment(path, aside, book) }
	for _, g := range in.gaps {
		if !g.torn(raw, noted) {
			r.Found = append(r.Found, damage.Finding{File: path, Where: fmt.Sprintf("%d bytes at %d are not what was written", g.to-g.from, g.from), Repair: repair})
		}
		for _, b := range in.blocks {
			if b.body >= g.from && b.body < g.to {
				r.Sound--
			}
		}
	}
	if size < noted {
		r.Found = append(r.Found, damage.Finding{File: path, Where: fmt.Sprintf("it ends at %d, and was %d bytes long", size, noted), Repair: repair})
	}
	return nil
}

// readSegment reads all that is in a file.
func readSegment(path string) (*segment, found, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, found{}, err
	}
	seg := &segment{path: path, file: file}
	info, err := file.Stat()
	if err != nil {
		return nil, found{}, errors.Join(err, file.Close())
	}
	seg.size.Store(info.Size())
	in, err := seg.scan(true)
	if err != nil {
		return nil, in, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return seg, in, nil
}

// repairSegment moves a file aside and keeps what is sound of it in its place. A second
// finding of the same file finds it repaired.
func repairSegment(path, aside string, book *mark.Book) (string, error) {
	seg, in, err := readSegment(path)
	if err != nil {
		return "", err
	}
	defer seg.file.Close()
	if _, err := os.Stat(filepath.Join(aside, filepath.Base(path))); err == nil && len(in.gaps) == 0 {
		return "it has been repaired", nil
	}
	next, err := os.CreateTemp(filepath.Dir(path), unfinished)
	if err != nil {
		return "", err
	}
	defer os.Remove(next.Name()) // gone already if all went well
	from := int64(0)
	for _, g := range append(in.gaps, gap{from: seg.size.Load()}) {
		if _, err := io.Copy(next, io.NewSectionReader(seg.file, from, g.from-from)); err != nil {
			return "", errors.Join(err, next.Close())
		}
		from = g.to
	}
	err = errors.Join(next.Sync(), next.Close(), os.Rename(path, filepath.Join(aside, filepath.Base(path))), os.Rename(next.Name(), path), syncDir(filepath.Dir(path)))
	if err != nil {
		return "", err
	}
	book.Forget(filepath.Base(path))
	return "the sound log events are kept", nil
}
