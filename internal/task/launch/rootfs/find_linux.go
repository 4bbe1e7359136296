package rootfs

import (
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Find returns the path of a program, which has a name or a path. The error is in the
// words of container engines.
func (s Spec) Find(program, pathVariable string) (string, error) {
	found, err := find(program, pathVariable)
	if err == nil && !s.Machine && isLauncher(found) {
		return "", fmt.Errorf("exec: %q: %w", program, unix.EACCES)
	}
	return found, err
}

// mostInterpreters is how many scripts Linux follows from one to the next.
const mostInterpreters = 5

// isLauncher says whether a program, or the interpreter of a script, is the one that this
// process still is. It is this machine's, and no image has it: an image gets there by
// /proc/self/exe alone.
func isLauncher(program string) bool {
	var own, found unix.Stat_t
	if unix.Stat("/proc/self/exe", &own) != nil {
		return false
	}
	for range mostInterpreters {
		if unix.Stat(program, &found) == nil && found.Dev == own.Dev && found.Ino == own.Ino {
			return true
		}
		if program = interpreterOf(program); program == "" {
			return false
		}
	}
	return true // which the kernel does not follow either
}

// interpreterOf is the program that a script names in its first line; "" if it is none.
func interpreterOf(program string) string {
	file, err := os.Open(program)
	if err != nil {
		return ""
	}
	defer file.Close()
	line := make([]byte, 256) // of which the kernel reads no more
	n, _ := io.ReadFull(file, line)
	text, isScript := strings.CutPrefix(string(line[:n]), "#!")
	if !isScript {
		return ""
	}
	text, _, _ = strings.Cut(text, "\n")
	name, _, _ := strings.Cut(strings.Trim(text, " \t"), " ")
	return name
}

func find(program, pathVariable string) (string, error) {
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
