package image

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// A User is whom a container's programs run as.
type User struct {
	UID, GID uint32
	Groups   []uint32 // besides GID
	Home     string
}

// usersBytes is how large an image's /etc/passwd and /etc/group may be.
const usersBytes = 4 << 20

// User is the user that a container names, "user", "uid", "user:group" or "uid:gid",
// by the image's own /etc/passwd and /etc/group, which it may do without. As in
// Docker, no name is root's, a user without an entry is in group 0, and the groups
// that list the user count unless a group is named.
func (i *Image) User(name string) (User, error) {
	passwd, err := i.accounts("etc/passwd")
	if err != nil {
		return User{}, err
	}
	group, err := i.accounts("etc/group")
	if err != nil {
		return User{}, err
	}
	return findUser(name, passwd, group)
}

func (i *Image) accounts(name string) ([][]string, error) {
	text, err := i.ReadFile(name, usersBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return accountsOf(text), err
}

// accountsOf are the lines of a file like /etc/passwd, in their fields.
func accountsOf(text []byte) [][]string {
	var lines [][]string
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		if fields := strings.Split(scanner.Text(), ":"); len(fields) >= 3 {
			lines = append(lines, fields)
		}
	}
	return lines
}

func findUser(name string, passwd, group [][]string) (User, error) {
	userName, groupName, _ := strings.Cut(name, ":")
	if userName == "" {
		userName = "0"
	}
	user := User{Home: "/"}
	account := find(passwd, userName)
	if account == nil {
		uid, err := strconv.ParseUint(userName, 10, 31)
		if err != nil {
			return User{}, fmt.Errorf("unable to find user %s: no matching entries in passwd file", userName)
		}
		user.UID = uint32(uid)
	} else if err := user.take(account); err != nil {
		return User{}, err
	}
	if groupName != "" {
		gid, err := groupID(groupName, group)
		user.GID = gid
		return user, err
	}
	if account != nil {
		user.Groups = groupsOf(account[0], group)
	}
	return user, nil
}

// take takes what an entry of /etc/passwd says of the user.
func (u *User) take(account []string) error {
	uid, err := strconv.ParseUint(account[2], 10, 31)
	if err != nil || len(account) < 4 {
		return fmt.Errorf("the passwd file's entry of user %s cannot be read", account[0])
	}
	gid, err := strconv.ParseUint(account[3], 10, 31)
	if err != nil {
		return fmt.Errorf("the passwd file's entry of user %s cannot be read", account[0])
	}
	u.UID, u.GID = uint32(uid), uint32(gid)
	if len(account) > 5 && account[5] != "" {
		u.Home = account[5]
	}
	return nil
}

// find finds the entry of a name, or else of a number.
func find(lines [][]string, name string) []string {
	for _, field := range []int{0, 2} {
		if i := slices.IndexFunc(lines, func(line []string) bool { return line[field] == name }); i >= 0 {
			return lines[i]
		}
	}
	return nil
}

func groupID(name string, group [][]string) (uint32, error) {
	number := name
	if line := find(group, name); line != nil {
		number = line[2]
	}
	gid, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("unable to find group %s: no matching entries in group file", name)
	}
	return uint32(gid), nil
}

// groupsOf are the groups that list a user.
func groupsOf(user string, group [][]string) []uint32 {
	var groups []uint32
	for _, line := range group {
		if len(line) < 4 || !slices.Contains(strings.Split(line[3], ","), user) {
			continue
		}
		if gid, err := strconv.ParseUint(line[2], 10, 31); err == nil {
			groups = append(groups, uint32(gid))
		}
	}
	return groups
}
