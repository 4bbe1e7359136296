//go:build unix

package postgrestest

import (
	"errors"
	"os"
	osuser "os/user"
	"strconv"
	"syscall"
)

// A user is whom PostgreSQL runs as where this program is root's, which it refuses.
type user struct{ uid, gid int }

// substitute is such a user, or nil where none is needed.
func substitute() (*user, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(found.Uid) // numbers, on systems like this
		gid, _ := strconv.Atoi(found.Gid)
		return &user{uid, gid}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

func (u *user) attributes() *syscall.SysProcAttr {
	if u == nil {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}}
}
