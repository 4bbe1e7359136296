package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"flyball/internal/store"
)

// A Kind is one sort of documents, and the version in which they are written.
// Each document says its version, so that those of an earlier release can be
// read: the ones from before there were versions count as version 0.
type Kind struct {
	Name    string // such as "ecs.service"
	Version int    // at least 1
	// Migrate turns a document of an earlier version into one of this version.
	// Without it earlier documents are read as they are.
	Migrate func(from int, doc []byte) ([]byte, error)
	// Packing, if there is one, is how documents are kept small. Those that are there and are
	// not packed can be read, too.
	Packing *Packing
}

// mark begins a document, before its version: v1 {"Name":"web"}. What follows on that of a
// packed one is not for people.
const (
	mark   = 'v'
	packed = 'z'
)

// Encode is the text of a document in the journal, for those who write it past a
// change. JSON must be able to express all of its members.
func (k Kind) Encode(doc any) []byte {
	var b bytes.Buffer
	b.WriteByte(mark)
	b.WriteString(strconv.Itoa(k.Version))
	b.WriteByte(' ')
	head := b.Len()
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read the file, too
	if err := e.Encode(doc); err != nil {
		panic(fmt.Sprintf("state: encode a document of kind %s: %v", k.Name, err))
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if k.Packing == nil {
		return text
	}
	text[0] = packed
	return k.Packing.pack(text[:head:head], text[head:])
}

// Decode reads a document of this version or an earlier one.
func (k Kind) Decode(text []byte, doc any) error {
	isPacked := len(text) > 0 && text[0] == packed
	version, text, err := versionOf(text)
	if err == nil && isPacked {
		text, err = k.Packing.unpack(text)
	}
	if err != nil {
		return err
	}
	if version > k.Version {
		return fmt.Errorf("the document is of version %d, and this flyball knows versions up to %d; use the release that wrote it, or a later one", version, k.Version)
	}
	if version < k.Version && k.Migrate != nil {
		if text, err = k.Migrate(version, text); err != nil {
			return fmt.Errorf("migrate from version %d: %w", version, err)
		}
	}
	return json.Unmarshal(text, doc)
}

func versionOf(text []byte) (version int, doc []byte, err error) {
	if len(text) == 0 || text[0] != mark && text[0] != packed {
		return 0, text, nil
	}
	number, doc, _ := bytes.Cut(text[1:], []byte(" "))
	version, err = strconv.Atoi(string(number))
	if err != nil {
		return 0, nil, errors.New("the document does not say its version")
	}
	return version, doc, nil
}

// Scan reads the documents of a kind in a range of keys, in order, until the
// function returns false. It reads what is on disk, and must not be called inside
// a change for what that has changed.
func Scan[T any](s *State, k Kind, r store.Range, each func(key string, doc *T) bool) error {
	var failure error
	err := s.store.Scan(k.Name, r, func(key string, text []byte) bool {
		doc := new(T)
		if err := k.Decode(text, doc); err != nil {
			failure = fmt.Errorf("%s %q: %w", k.Name, key, err)
			return false
		}
		return each(key, doc)
	})
	return errors.Join(err, failure)
}

// Load reads all documents of a kind, until the function returns an error.
func Load[T any](s *State, k Kind, each func(key string, doc *T) error) error {
	var failure error
	err := Scan(s, k, store.Range{}, func(key string, doc *T) bool {
		if err := each(key, doc); err != nil {
			failure = fmt.Errorf("%s %q: %w", k.Name, key, err)
		}
		return failure == nil
	})
	return errors.Join(err, failure)
}

// Get reads a document that is on disk, or returns store.ErrNotFound.
func Get[T any](s *State, k Kind, key string) (*T, error) {
	text, err := s.store.Get(k.Name, key)
	if err != nil {
		return nil, err
	}
	doc := new(T)
	if err := k.Decode(text, doc); err != nil {
		return nil, fmt.Errorf("%s %q: %w", k.Name, key, err)
	}
	return doc, nil
}
