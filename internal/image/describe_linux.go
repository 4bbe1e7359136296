package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// describeRoot gives the root what its entry says of it.
func (u *unpacker) describeRoot(header *tar.Header) error {
	if header.Typeflag != tar.TypeDir {
		return errEscapes
	}
	return u.describeOpen(int(u.tree.root.Fd()), header)
}

// describe gives a new directory, link or FIFO its owner, mode and time. A link has no
// mode.
func (u *unpacker) describe(parent directory, base string, header *tar.Header, mode bool) error {
	if header.Typeflag == tar.TypeDir {
		fd, err := unix.Openat(parent.fd, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return u.describeOpen(fd, header)
	}
	if u.root {
		uid, gid, err := owner(header)
		if err != nil {
			return err
		}
		if err := unix.Fchownat(parent.fd, base, uid, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
	}
	if mode {
		if err := unix.Fchmodat(parent.fd, base, u.mode(header), 0); err != nil {
			return err
		}
	}
	times := timesOf(header)
	return unix.UtimesNanoAt(parent.fd, base, times, unix.AT_SYMLINK_NOFOLLOW)
}

// describeOpen is describe for what is open: a file or a directory. The owner comes
// before the mode: a change of owner takes set-user-ID bits away.
func (u *unpacker) describeOpen(fd int, header *tar.Header) error {
	if u.root {
		uid, gid, err := owner(header)
		if err != nil {
			return err
		}
		if err := unix.Fchown(fd, uid, gid); err != nil {
			return err
		}
	}
	if err := unix.Fchmod(fd, u.mode(header)); err != nil {
		return err
	}
	if err := u.attribute(fd, header); err != nil {
		return err
	}
	return unix.Futimes(fd, []unix.Timeval{timevalOf(header), timevalOf(header)})
}

// owner is whom an entry belongs to.
func owner(header *tar.Header) (uid, gid int, err error) {
	const most = 1<<32 - 2 // the last one stands for none
	if header.Uid < 0 || header.Gid < 0 || header.Uid > most || header.Gid > most {
		return 0, 0, fmt.Errorf("it belongs to user %d and group %d, which cannot be", header.Uid, header.Gid)
	}
	return header.Uid, header.Gid, nil
}

func (u *unpacker) mode(header *tar.Header) uint32 {
	mode := uint32(header.Mode) & 0o7777
	switch {
	case u.root:
		return mode
	case header.Typeflag == tar.TypeDir:
		return mode&0o777 | 0o700
	}
	return mode&0o777 | 0o600
}

// attribute gives a file those of its extended attributes that are of use to a
// container. Others could speak to the kernel in the name of the server: overlayfs
// keeps its own notes in them.
func (u *unpacker) attribute(fd int, header *tar.Header) error {
	for record, value := range header.PAXRecords {
		name, is := strings.CutPrefix(record, "SCHILY.xattr.")
		switch {
		case !is:
		case name == "security.capability" && u.root:
		case strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "user.overlay."):
		default:
			is = false
		}
		if !is {
			continue
		}
		err := unix.Fsetxattr(fd, name, []byte(value), 0)
		if err != nil && !errors.Is(err, unix.ENOTSUP) {
			return fmt.Errorf("its attribute %s: %w", name, err)
		}
	}
	return nil
}

// timeOf is when an entry was changed, as far as file systems know such times.
func timeOf(header *tar.Header) time.Time {
	if t := header.ModTime; t.Unix() >= 0 && t.Unix() < 1<<34 {
		return t
	}
	return time.Unix(0, 0)
}

func timesOf(header *tar.Header) []unix.Timespec {
	t := unix.NsecToTimespec(timeOf(header).UnixNano())
	return []unix.Timespec{t, t}
}

func timevalOf(header *tar.Header) unix.Timeval {
	return unix.NsecToTimeval(timeOf(header).UnixNano())
}
