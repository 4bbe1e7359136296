package function

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrRuntime is wrapped by the error about a runtime that this machine does not have.
var ErrRuntime = errors.New("the runtime is not available")

// program is what an environment of the function starts as.
func (h *Host) program(fn Function) ([]string, *failure, error) {
	if strings.HasPrefix(fn.Runtime, "provided") {
		path := filepath.Join(fn.Code, "bootstrap")
		return []string{path}, bootstrapFailure(path), nil
	}
	return nil, nil, fmt.Errorf("%w: %s", ErrRuntime, fn.Runtime)
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
