//go:build unix

package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// spaceOf is what the disk of a folder has for this process: root may take what a file
// system keeps for it.
func spaceOf(dir string) (space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return space{}, err
	}
	blocks := uint64(st.Bavail)
	if os.Geteuid() == 0 {
		blocks = uint64(st.Bfree)
	}
	s := space{total: int64(uint64(st.Blocks) * uint64(st.Bsize)), free: int64(blocks * uint64(st.Bsize)), inodes: -1}
	if st.Files > 0 {
		s.inodes = int64(st.Ffree)
	}
	return s, nil
}
