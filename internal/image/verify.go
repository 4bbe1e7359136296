package image

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/damage"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf is the checksum of all that is in a tree: names, kinds, targets of links, contents.
func sumOf(root string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		content := ""
		switch {
		case entry.Type().IsRegular():
			content, err = sumOfFile(path)
		case entry.Type()&fs.ModeSymlink != 0:
			content, err = os.Readlink(path)
		}
		fmt.Fprintf(sum, "%q %v %q\n", name, entry.Type(), content)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

func sumOfFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, file)
	return fmt.Sprintf("%d %08x", n, sum.Sum32()), errors.Join(err, file.Close())
}

// examine compares an image of an earlier life with its checksum. One that has changed is
// given up, to be fetched again, unless a task uses it.
func (s *Store) examine(digest v1.Hash) error {
	wrong := verify(s.folder(digest))
	s.mu.Lock()
	k := s.images[digest]
	switch {
	case k == nil:
		s.mu.Unlock()
		return nil // removed meanwhile
	case wrong == nil:
		k.sound = true
		s.mu.Unlock()
		return nil
	case k.users > 0:
		s.mu.Unlock()
		return wrong
	}
	aside, err := s.moveAside(k)
	s.mu.Unlock()
	if err != nil {
		return errors.Join(wrong, err)
	}
	s.opts.Log.Error("an unpacked image is damaged, and is fetched again", "error", wrong)
	s.discard(aside)
	return nil
}

// verify compares the tree of an image with its checksum. One of an earlier release has
// none.
func verify(dir string) error {
	doc, err := readDocument(dir)
	if err != nil || doc.Sum == "" {
		return err
	}
	root := filepath.Join(dir, rootName)
	sum, err := sumOf(root)
	if err == nil && sum == doc.Sum {
		return nil
	}
	where := "its files are not those that were unpacked"
	if err != nil {
		where = err.Error()
	}
	return &damage.Error{File: root, Where: where, Remedy: "it is fetched again once no task uses it: stop those that do"}
}

// Check looks at the images in a directory. They are fetched again by themselves, so there
// is nothing in them to be repaired but to make way.
func Check(dir string) (damage.Report, error) {
	r := damage.Report{Store: "images", Items: "images"}
	entries, err := filepath.Glob(filepath.Join(dir, digestPrefix+"*"))
	for _, folder := range entries {
		wrong := verify(folder)
		if wrong == nil {
			r.Sound++
			continue
		}
		r.Found = append(r.Found, damage.Finding{File: folder, Where: wrong.Error(), Repair: func(aside string) (string, error) {
			return "it is fetched again when a task needs it", os.Rename(folder, filepath.Join(aside, filepath.Base(folder)))
		}})
	}
	return r, err
}
