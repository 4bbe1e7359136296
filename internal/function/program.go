package function

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
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

// programs know what functions start as.
type programs struct {
	dir          string // has the bootstraps
	empty        string // has nothing
	interpreters *interpreters
}

// newPrograms writes the bootstraps. Functions, which run as a user of their own, can read them whatever mask the
// server has.
func newPrograms(dir string) (*programs, error) {
	empty := filepath.Join(filepath.Dir(dir), "empty")
	for _, dir := range []string{dir, empty} {
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"index.mjs", "bootstrap.py"} {
		text, err := bootstraps.ReadFile("bootstrap/" + name)
		path := filepath.Join(dir, name)
		if err == nil {
			err = errors.Join(os.WriteFile(path, text, 0o644), os.Chmod(path, 0o644))
		}
		if err != nil {
			return nil, fmt.Errorf("writing the runtime of functions: %w", err)
		}
	}
	return &programs{dir, empty, newInterpreters()}, nil
}

// searched is where a function looks for programs, as in Lambda.
const searched = languages + "/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin"

// A program is what an environment starts as.
type program struct {
	argv []string
	env  []string
}

// check says what keeps a function from being run at all: the failure is its own.
func (p *programs) check(fn Function) (*failure, error) {
	if strings.HasPrefix(fn.Runtime, "provided") {
		return bootstrapFailure(fn.Code), nil
	}
	_, err := p.interpreter(fn.Runtime)
	return nil, err
}

// of is what an environment of a function starts as that check has found nothing about.
func (p *programs) of(fn Function, l *layout) (program, error) {
	if strings.HasPrefix(fn.Runtime, "provided") {
		return program{argv: []string{filepath.Join(l.code, "bootstrap")}, env: []string{"PATH=" + searched}}, nil
	}
	found, err := p.interpreter(fn.Runtime)
	if err != nil {
		return program{}, err
	}
	path := l.interpreter(found)
	env := []string{"PATH=" + searched + ":" + filepath.Dir(path)} // which is anywhere on this machine
	if strings.HasPrefix(path, languages+"/") {
		// It looks for its shared libraries where it was installed, which only the server's user
		// may read; another Python's would do, and have none of its packages.
		env = append(env, "LD_LIBRARY_PATH="+languages+"/lib")
	}
	if strings.HasPrefix(fn.Runtime, "python") {
		return program{argv: fn.wrapped(path, "-B", filepath.Join(l.runtime, "bootstrap.py")), env: env}, nil
	}
	// A tenth of the memory is left to what is not the heap of JavaScript.
	heap := fmt.Sprintf("--max-old-space-size=%d", max(32, fn.Memory*9/10))
	return program{
		argv: fn.wrapped(path, heap, filepath.Join(l.runtime, "index.mjs")),
		env:  append(env, "NODE_PATH="+filepath.Join(l.code, "node_modules")),
	}, nil
}

// wrapped is a command that the user may have wrapped in a script, to which it is given as
// arguments ("Modifying the runtime environment"). A shell starts it, as on AWS: a script that is
// not there is a runtime that exits with 127.
func (fn Function) wrapped(argv ...string) []string {
	for _, variable := range fn.Env {
		if script, ok := strings.CutPrefix(variable, "AWS_LAMBDA_EXEC_WRAPPER="); ok && script != "" {
			return append([]string{"/bin/sh", "-c", `exec "$0" "$@"`, script}, argv...)
		}
	}
	return argv
}

// interpreter is the one that runs a runtime's functions: of Python the version that the
// runtime names, if this machine has it, or else the one that it has.
func (p *programs) interpreter(runtime string) (found interpreter, err error) {
	switch {
	case strings.HasPrefix(runtime, "nodejs"):
		found, err = p.interpreters.find("node")
	case strings.HasPrefix(runtime, "python"):
		if found, err = p.interpreters.find(runtime); err != nil {
			found, err = p.interpreters.find("python3")
		}
	default:
		err = errors.New("those that run are provided.*, nodejs* and python*")
	}
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrRuntime, runtime, err)
	}
	return found, err
}

// bootstrapFailure says why the file bootstrap of a folder cannot be the first program of a
// function.
func bootstrapFailure(folder string) *failure {
	path := filepath.Join(folder, "bootstrap")
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return &failure{kind: invalidEntrypoint, message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
	}
	if info.Mode().Perm()&0o111 == 0 {
		return cannotRun("permission denied")
	}
	if file, err := os.Open(path); err == nil { // or the environment tells
		defer file.Close()
		begin := make([]byte, maxInterpreter)
		n, _ := io.ReadFull(file, begin)
		begin = begin[:n]
		if line, isScript := bytes.CutPrefix(begin, []byte("#!")); isScript {
			return scriptFailure(folder, line)
		}
		if !bytes.HasPrefix(begin, []byte("\x7fELF")) {
			return cannotRun("exec format error")
		}
	}
	return nil
}

// maxInterpreter is how much of a script Linux reads in order to find its interpreter.
const maxInterpreter = 256

// scriptFailure says why a script in a folder does not run whose first line is this after #!:
// its interpreter is not there. That of a file from Windows ends in a carriage return.
func scriptFailure(folder string, line []byte) *failure {
	line, _, _ = bytes.Cut(line, []byte("\n"))
	name, _, _ := strings.Cut(strings.Trim(string(line), " \t"), " ")
	if inside, isOwn := strings.CutPrefix(name, taskRoot+"/"); isOwn {
		name = filepath.Join(folder, inside)
	}
	if _, err := os.Stat(name); filepath.IsAbs(name) && errors.Is(err, fs.ErrNotExist) {
		return cannotRun("no such file or directory")
	}
	return nil
}

func cannotRun(why string) *failure {
	return &failure{kind: invalidEntrypoint, message: "fork/exec /var/task/bootstrap: " + why}
}

// refusal tells the failure of a function whose program this machine does not run from
// other errors.
func refusal(err error) (*failure, error) {
	var refused *fs.PathError
	if !errors.As(err, &refused) || refused.Op != "exec" {
		return nil, err
	}
	return cannotRun(refused.Err.Error()), nil
}
