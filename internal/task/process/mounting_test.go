package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flyball/internal/task"
)

// A container with mounts sees this machine's files, and changes none but those of what is
// mounted for it to write to, where it runs as nobody in particular.
func TestAContainerWithMountsChangesNothingElse(t *testing.T) {
	r := newRuntime(t, options(t))
	if !r.Mounts() {
		t.Skip("this machine does not permit mounts")
	}
	code, own := t.TempDir(), t.TempDir()
	user := "65534:65534"
	if os.Geteuid() != 0 {
		user = ""
	} else if err := os.Chown(own, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(code, "text")
	if err := errors.Join(os.WriteFile(file, []byte("the code"), 0o644), os.Chmod(file, 0o644), os.Chmod(code, 0o755)); err != nil { // whatever mask the test has
		t.Fatal(err)
	}
	before, err := os.ReadDir("/var")
	if err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	script := `cat /var/task/text; echo; pwd
touch /var/task/new 2>/dev/null && echo wrote the code
touch /var/lib/new '` + outside + `/new' /dev/shm/new 2>/dev/null && echo wrote elsewhere
echo kept >/tmp/kept && cat /tmp/kept
ls /var; ls /proc | grep -c '^[0-9]'; cat /proc/1/comm; test -c /dev/null && echo >/dev/null && echo null
`
	started := start(t, r, task.Spec{ID: "mounted", Containers: []task.Container{{
		Name: "main", Image: "sh", Command: []string{script}, User: user, WorkingDir: "/var/task", Essential: true, StopTimeout: time.Second,
		Mounts: []task.Mount{{Path: "/var/task", Source: code}, {Path: "/tmp", Source: own, Writable: true}},
	}}})
	await(t, "the end of the task", started.Done())
	text := readLogs(t, started, "main")
	for _, want := range []string{"the code\n/var/task\n", "\nkept\n", "\nlib\n", "\ntask\n", "\nsh\nnull\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %q", want)
		}
	}
	if strings.Contains(text, "wrote") {
		t.Error("it wrote where it must not")
	}
	if kept, err := os.ReadFile(filepath.Join(own, "kept")); string(kept) != "kept\n" {
		t.Errorf("what it has written is %q, %v", kept, err)
	}
	after, err := os.ReadDir("/var")
	if err != nil || len(after) != len(before) {
		t.Errorf("%d entries in /var, before %d, %v", len(after), len(before), err)
	}
	if t.Failed() {
		t.Log(text)
	}
}
