package process

import (
	"bytes"

	"flyball/internal/task"
)

// A mark is the name of a runtime, which all processes of its tasks carry in their
// environment. By it they are found where no cgroup holds them together, and when
// what was kept of their task is lost.
type mark string

// The variables that make up a mark.
const (
	markRuntime   = "FLYBALL_RUNTIME="
	markTask      = "FLYBALL_TASK="
	markContainer = "FLYBALL_CONTAINER="
)

// of are the variables of a container's processes.
func (m mark) of(spec task.Spec, container int) []string {
	return []string{markRuntime + string(m), markTask + spec.ID, markContainer + spec.Containers[container].Name}
}

// sweep ends the processes of tasks that are not to be kept.
func (m mark) sweep(keep func(id string) bool) {
	killAll(func() ([]int, error) {
		return processesWhere(func(environ []byte) bool {
			id := valueOf(environ, markTask)
			return id != "" && hasAll(environ, []string{markRuntime + string(m)}) && !keep(id)
		})
	})
}

// hasAll says whether an environment has all the variables, with their values.
func hasAll(environ []byte, variables []string) bool {
	for _, variable := range variables {
		if !bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+variable+"\x00")) {
			return false
		}
	}
	return true
}

// valueOf is the value of a variable, given as NAME=, in an environment.
func valueOf(environ []byte, name string) string {
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if value, ok := bytes.CutPrefix(variable, []byte(name)); ok {
			return string(value)
		}
	}
	return ""
}
