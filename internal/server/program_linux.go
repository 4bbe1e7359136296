package server

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram gives back the memory of the parts of the program that only its start has
// used, two thirds of what an idle server has. What is used again comes back from the system's
// cache of files, which has it in any case.
func releaseProgram() error {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("find the program in memory: %w", err)
	}
	defer maps.Close()
	for _, m := range unchanged(maps, self) {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("give back parts of the program: %w", errno)
		}
	}
	return nil
}

// A mapping is where a part of a file is in memory.
type mapping struct{ start, end uintptr }

// unchanged are the mappings of a file, in the format of proc(5), that can only be read and of
// which nothing was changed before, as a linker does: memory has no more than the file.
func unchanged(smaps io.Reader, file string) (all []mapping) {
	var now *mapping
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 5 && !strings.HasSuffix(fields[0], ":"):
			now = mappingOf(fields, file)
		case now != nil && len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0":
			all = append(all, *now)
		}
	}
	return all
}

// mappingOf is the mapping that a line begins, or nil if it is none of the file's that can only
// be read.
func mappingOf(fields []string, file string) *mapping {
	if len(fields) != 6 || fields[5] != file || fields[1] != "r-xp" && fields[1] != "r--p" {
		return nil
	}
	from, to, _ := strings.Cut(fields[0], "-")
	start, errStart := strconv.ParseUint(from, 16, 64)
	end, errEnd := strconv.ParseUint(to, 16, 64)
	if errStart != nil || errEnd != nil || end <= start {
		return nil
	}
	return &mapping{uintptr(start), uintptr(end)}
}
