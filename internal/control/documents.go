package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"flyball/internal/policydoc"
	"flyball/scaling"
)

// Documents are files, and folders of files, that describe targets. A file that cannot be read,
// and a target that cannot be compiled, changes nothing: what was read of it last stays.
type Documents struct {
	Paths   []string
	Options policydoc.Options
	// Compile makes targets of documents, and of the settings beside them.
	Compile func(policydoc.Documents, policydoc.Beside) ([]Target, []Problem)
	// Tell is told of what cannot be read, once; nil: nobody is.
	Tell func(Record)

	files map[string]*file
	put   map[scaling.ResourceID]string // what was said of the targets that the host has

	mu       sync.Mutex        // for those who ask while files are looked at
	problems map[string]string // that were told, by what they are about; replaced, never changed
}

// A file is what was read of one last.
type file struct {
	signature string
	documents policydoc.Documents
	beside    policydoc.Beside
	unread    bool // what it says was never known
}

// Look reads what has changed, and has the host govern by it. It reports whether something has
// changed, and with the first look what is wrong with paths as such.
func (d *Documents) Look(host *Host, now time.Time) (changed bool, err error) {
	names, err := d.names()
	if err != nil {
		return false, err
	}
	told := map[string]string{}
	if d.files == nil {
		d.files, d.put, changed = map[string]*file{}, map[scaling.ResourceID]string{}, true
	}
	for name := range d.files {
		if !slices.Contains(names, name) {
			delete(d.files, name)
			changed = true
		}
	}
	for _, name := range names {
		signature := sign(name)
		old := d.files[name]
		if old != nil && old.signature == signature {
			if why, ok := d.problems[name]; ok {
				told[name] = why
			}
			continue
		}
		changed = true
		read, err := d.read(name)
		read.signature = signature
		if err != nil {
			read.unread = old == nil || old.unread
			told[name] = fmt.Sprintf("%s cannot be read, so nothing of it changes: %v", name, err)
			if old != nil {
				read.documents, read.beside = old.documents, old.beside
			}
		}
		d.files[name] = &read
	}
	if !changed {
		return false, nil
	}
	if unknown := d.unknown(); unknown == "" {
		d.apply(host, told)
	} else {
		told[unknown] += "; until it can be, no target is taken up, changed or given up, for it may pause or limit any"
	}
	for _, about := range slices.Sorted(maps.Keys(told)) {
		if why := told[about]; d.problems[about] != why && d.Tell != nil {
			r := Record{At: now, Event: Refused, Reason: why}
			if !d.isFile(about) {
				r.Target = scaling.ResourceID(about)
			}
			d.Tell(r)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.problems = told
	return true, nil
}

// unknown is a file of settings that has never been read. Without what it says of pauses, limits
// and sources a target is another.
func (d *Documents) unknown() string {
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		if d.files[name].unread && filepath.Base(name) == policydoc.BesideName {
			return name
		}
	}
	return ""
}

func (d *Documents) isFile(name string) bool { return d.files[name] != nil }

// Problems are what is wrong with files and targets now, in order.
func (d *Documents) Problems() (all []string) {
	problems := d.told()
	for _, about := range slices.Sorted(maps.Keys(problems)) {
		all = append(all, problems[about])
	}
	return all
}

// Problem is what is wrong with what documents say of a target; "": nothing is.
func (d *Documents) Problem(of scaling.ResourceID) string { return d.told()[string(of)] }

func (d *Documents) told() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.problems
}

// apply has the host govern by what was read.
func (d *Documents) apply(host *Host, told map[string]string) {
	var all policydoc.Documents
	var beside policydoc.Beside
	from := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		f := d.files[name]
		all.Add(f.documents)
		beside = join(beside, f.beside)
		for _, id := range f.documents.Resources() {
			from[id] = append(from[id], filepath.Base(name))
		}
	}
	targets, problems := d.Compile(all, beside)
	wanted := map[scaling.ResourceID]bool{}
	for _, p := range problems {
		wanted[scaling.ResourceID(p.Resource)] = true // as it was
		told[p.Resource] = fmt.Sprintf("%s (%s): %v", p.Resource, strings.Join(from[p.Resource], ", "), p.Err)
	}
	for _, t := range targets {
		t.From = strings.Join(from[string(t.Resource)], ", ")
		wanted[t.Resource] = true
		says := says(all.Of(string(t.Resource)), beside)
		if put, ok := d.put[t.Resource]; !ok || put != says {
			d.put[t.Resource] = says
			host.Put(t)
		}
	}
	for id := range d.put {
		if !wanted[id] {
			delete(d.put, id)
			host.Remove(id)
		}
	}
}

// says is all that documents and settings say of a target, to tell whether that has changed.
func says(d policydoc.Documents, b policydoc.Beside) string {
	text, err := json.Marshal([]any{d.Targets, d.Policies, d.Actions, d.Alarms, b})
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// names are the files, in order, with those that say what belongs to folders of them.
func (d *Documents) names() ([]string, error) {
	var names []string
	for _, path := range d.Paths {
		some, err := policydoc.Files(path)
		if err != nil {
			return nil, err
		}
		names = append(names, some...)
		if beside := filepath.Join(path, policydoc.BesideName); exists(beside) {
			names = append(names, beside)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// sign is a text that is another after a file has changed.
func sign(name string) string {
	info, err := os.Stat(name)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// read reads a file.
func (d *Documents) read(name string) (f file, err error) {
	in, err := os.Open(name)
	if err != nil {
		return f, err
	}
	defer in.Close()
	if filepath.Base(name) == policydoc.BesideName {
		f.beside, err = policydoc.ReadBeside(in)
		return f, err
	}
	if f.documents, err = d.Options.Read(in); errors.Is(err, policydoc.ErrNone) {
		err = nil // the last of them was deleted
	}
	return f, err
}
