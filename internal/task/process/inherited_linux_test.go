package process

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTasksDoNotInheritTheServersFiles(t *testing.T) {
	fd, err := unix.Open(t.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY, 0) // as a shell may leave it open
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	onEachHost(t, func(t *testing.T, opts Options) {
		opts.Images = map[string]string{"shell": "/bin/sh"}
		r := newRuntime(t, opts)
		got, _ := output(t, r, running("task", "shell", "-c", "for f in /proc/$$/fd/*; do readlink $f; done"))
		for _, name := range got {
			if name != "/dev/null" && !strings.HasSuffix(name, ".log") && !strings.HasPrefix(name, "/bin/") {
				t.Errorf("a task has %s open", name)
			}
		}
	})
}
