package function

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// An interpreter is a program of this machine that runs functions of a language.
type interpreter struct {
	path   string // of the program itself
	prefix string // the folder that has it and what it needs
}

// interpreters finds each interpreter once.
type interpreters struct {
	mu    sync.Mutex
	found map[string]func() (interpreter, error)
}

func newInterpreters() *interpreters {
	return &interpreters{found: map[string]func() (interpreter, error){}}
}

// find finds an interpreter by the name of its command.
func (all *interpreters) find(name string) (interpreter, error) {
	all.mu.Lock()
	one := all.found[name]
	if one == nil {
		one = sync.OnceValues(func() (interpreter, error) { return findInterpreter(name) })
		all.found[name] = one
	}
	all.mu.Unlock()
	return one()
}

// questions have an interpreter tell where it is itself: what is found under its name may
// be a script that chooses one.
var questions = map[bool][]string{
	true:  {"-c", "import sys; print(sys.executable); print(sys.base_prefix)"},
	false: {"-p", "process.execPath + '\\n' + require('path').dirname(process.execPath)"},
}

// patience is how long an interpreter has to tell.
const patience = 10 * time.Second

func findInterpreter(name string) (interpreter, error) {
	command, err := exec.LookPath(name)
	if err != nil {
		return interpreter{}, fmt.Errorf("there is no %s on this machine's PATH", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	told, err := exec.CommandContext(ctx, command, questions[strings.HasPrefix(name, "python")]...).Output()
	if err != nil {
		return interpreter{}, fmt.Errorf("%s does not run: %w", command, err)
	}
	path, prefix, _ := strings.Cut(strings.TrimSpace(string(told)), "\n")
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return interpreter{}, err
	}
	return interpreter{path: path, prefix: strings.TrimSpace(prefix)}, nil
}
