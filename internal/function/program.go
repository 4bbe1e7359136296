package function

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrRuntime is wrapped by the error about a runtime that this machine does not have.
var ErrRuntime = errors.New("the runtime is not available")

// bootstraps are the runtimes of languages whose functions bring none.
//
//go:embed bootstrap/index.mjs bootstrap/bootstrap.py
var bootstraps embed.FS

// A program is what an environment starts as.
type program struct {
	argv []string
	env  []string
}

// programs know what functions start as.
type programs struct {
	dir          string // has the bootstraps
	interpreters *interpreters
}

func newPrograms(dir string) (*programs, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, name := range []string{"index.mjs", "bootstrap.py"} {
		text, err := bootstraps.ReadFile("bootstrap/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			return nil, fmt.Errorf("writing the runtime of functions: %w", err)
		}
	}
	return &programs{dir, newInterpreters()}, nil
}

// of is what an environment of the function starts as. The failure is the function's own.
func (p *programs) of(fn Function) (*program, *failure, error) {
	switch {
	case strings.HasPrefix(fn.Runtime, "provided"):
		path := filepath.Join(fn.Code, "bootstrap")
		return &program{argv: []string{path}}, bootstrapFailure(path), nil
	case strings.HasPrefix(fn.Runtime, "nodejs"):
		return p.node(fn)
	case strings.HasPrefix(fn.Runtime, "python"):
		return p.python(fn)
	}
	return nil, nil, fmt.Errorf("%w: %s: Flyball runs provided.*, nodejs* and python*", ErrRuntime, fn.Runtime)
}

// node leaves a tenth of the memory to what is not the heap of JavaScript.
func (p *programs) node(fn Function) (*program, *failure, error) {
	node, err := p.interpreters.find("node")
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrRuntime, fn.Runtime, err)
	}
	return &program{
		argv: []string{node.path, fmt.Sprintf("--max-old-space-size=%d", max(32, fn.Memory*9/10)), filepath.Join(p.dir, "index.mjs")},
		env:  []string{"NODE_PATH=" + filepath.Join(fn.Code, "node_modules")},
	}, nil, nil
}

// python runs the version that the runtime names, if this machine has it, or else the one
// that it has.
func (p *programs) python(fn Function) (*program, *failure, error) {
	python, err := p.interpreters.find(fn.Runtime)
	if err != nil {
		python, err = p.interpreters.find("python3")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrRuntime, fn.Runtime, err)
	}
	return &program{
		argv: []string{python.path, "-B", filepath.Join(p.dir, "bootstrap.py")},
		env:  []string{"PYTHONPATH="},
	}, nil, nil
}

// bootstrapFailure says why a file cannot be the first program of a function.
func bootstrapFailure(path string) *failure {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return &failure{kind: invalidEntrypoint, message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
	}
	if info.Mode().Perm()&0o111 == 0 {
		return &failure{kind: invalidEntrypoint, message: "fork/exec /var/task/bootstrap: permission denied"}
	}
	return nil
}

// cannotRun tells the failure of a function whose program this machine does not run from
// other errors.
func cannotRun(err error) (*failure, error) {
	var refused *fs.PathError
	if !errors.As(err, &refused) || refused.Op != "exec" {
		return nil, err
	}
	return &failure{kind: invalidEntrypoint, message: "fork/exec /var/task/bootstrap: " + refused.Err.Error()}, nil
}
