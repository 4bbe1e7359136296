// Package rootfs makes a process that waits a process of a container: with an image's
// files for its root, in namespaces of its own or in those of the container's first
// process, as the user that the container runs as.
//
// It is a part of the process that waits; see package waiting. What it imports takes
// time at the start of every process.
package rootfs

import "encoding/json"

// A Spec says what the process becomes a part of. A process that makes its root has
// been started in new namespaces for mounts, processes, host name and IPC; its working
// directory has the directories that are named here.
type Spec struct {
	Join bool `json:",omitempty"` // enter the namespaces of the process that JoinFile is of
	Try  bool `json:",omitempty"` // end when all is done, in place of running a program

	// Plain is for a process that gets neither namespaces nor files of its own, but all else
	// that is said here.
	Plain bool `json:",omitempty"`

	// Machine is for a process that sees this machine's files, with Mounts in their places.
	// It can change none, or if Writable those that its user may. It has no root of its own.
	Machine   bool     `json:",omitempty"`
	Writable  bool     `json:",omitempty"`
	Mounts    []Mount  `json:",omitempty"`
	Hidden    []string `json:",omitempty"` // files and folders that it finds empty
	Protected []string `json:",omitempty"` // files and folders that it cannot change

	// Lower is the image's files, which are seen through an overlay whose changes go
	// into the directory "upper"; "" is for a copy of them in "merged".
	Lower    string `json:",omitempty"`
	InUser   bool   `json:",omitempty"` // the process is in a user namespace, too
	Hostname string `json:",omitempty"`
	Files    []File `json:",omitempty"` // made or replaced
	ReadOnly bool   `json:",omitempty"` // nothing can be changed but what is mounted for it

	UID, GID   uint32
	Groups     []uint32 `json:",omitempty"`
	WorkingDir string   // made if it is not there

	Limits        []Limit `json:",omitempty"`
	SharedNetwork bool    `json:",omitempty"` // the network is this machine's, and its packets are not for the process
}

// A Limit is a resource limit, numbered as setrlimit(2) numbers it.
type Limit struct {
	Resource   int
	Soft, Hard uint64
}

// A File is a small file that every container has of its own.
type File struct{ Path, Text string }

// A Mount is a folder of this machine that is seen at a path.
type Mount struct {
	Path, Source string
	Writable     bool `json:",omitempty"`
}

// The directories of a container's root, in its working directory.
const (
	Merged = "merged" // the root
	Upper  = "upper"  // what the container changes
	Work   = "work"   // the overlay's own
)

// JoinFile is the file of the process that Join is about, a pidfd.
const JoinFile = 5

// DefaultPath is where programs are looked for when the environment does not say.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Encode makes an argument of it for the process that waits.
func (s Spec) Encode() (string, error) {
	text, err := json.Marshal(s)
	return string(text), err
}

// Decode reads such an argument.
func Decode(text string) (Spec, error) {
	var s Spec
	err := json.Unmarshal([]byte(text), &s)
	return s, err
}
