package launch

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What a container sees of a process that waits leads to this program's file, which root
// there must not write to.
func TestTheProgramThatWaitsCannotBeWrittenTo(t *testing.T) {
	path, err := executable()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, "/proc/self/fd/") {
		t.Skip("this machine does not permit mounts")
	}
	var mounted unix.Statfs_t
	if err := unix.Statfs(path, &mounted); err != nil || mounted.Flags&unix.ST_RDONLY == 0 {
		t.Errorf("it is mounted with flags %#x, %v, and is not read-only", mounted.Flags, err)
	}
}
