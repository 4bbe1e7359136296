package rootfs

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Find returns the path of a program, which has a name or a path. The error is in the
// words of container engines.
func Find(program, pathVariable string) (string, error) {
	if strings.Contains(program, "/") {
		if err := runnable(program); err != nil {
			return "", fmt.Errorf("exec: %q: %w", program, err)
		}
		return program, nil
	}
	if pathVariable == "" {
		pathVariable = DefaultPath
	}
	for dir := range strings.SplitSeq(pathVariable, ":") {
		candidate := path.Join("/", dir, program)
		if !strings.HasPrefix(dir, "/") { // of the working directory
			candidate = "./" + path.Join(dir, program)
		}
		if runnable(candidate) == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", program)
}

func runnable(name string) error {
	var found unix.Stat_t
	if err := unix.Stat(name, &found); err != nil {
		return fmt.Errorf("stat %s: %w", name, err)
	}
	if found.Mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.EISDIR
	}
	return unix.Faccessat(unix.AT_FDCWD, name, unix.X_OK, unix.AT_EACCESS)
}
