package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/task"
)

func TestWhatCannotBeStartedIsToldWithItsRemedy(t *testing.T) {
	for want, err := range map[string]error{
		"Give the path of a program":  &fs.PathError{Op: "stat", Path: "/program", Err: fs.ErrNotExist},
		"in entryPoint or command":    &exec.Error{Name: "program", Err: exec.ErrNotFound},
		"Make the program executable": &fs.PathError{Op: "exec", Path: "/program", Err: fs.ErrPermission},
		"":                            errors.New("something else"),
	} {
		if got := remedy(fmt.Errorf("exec: %w", err)); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("of %v: %q, want %q", err, got, want)
		}
	}
}

func TestAnEndForWantOfAProgramIsKnownByItsLog(t *testing.T) {
	for _, tt := range []struct {
		name, log string
		code      int
		known     bool
	}{
		{"another architecture", "exec /bin/server: exec format error\n", 1, true},
		{"a program that failed itself", "exec format error\n", 1, false},
		{"one that went on", "exec /bin/a: exec format error\nretrying\n", 1, false},
		{"one that ended otherwise", "exec /bin/server: exec format error\n", 2, false},
		{"no log", "", 1, false},
	} {
		log := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(log, []byte(tt.log), 0o600); err != nil {
			t.Fatal(err)
		}
		if reason := refusedByKernel(tt.code, log); strings.HasPrefix(reason, task.NoProgram+": ") != tt.known {
			t.Errorf("%s: %q", tt.name, reason)
		}
	}
}
