package ecs

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/descriptors"
	"flyball/internal/disk"
	"flyball/internal/state"
	runtime "flyball/internal/task"
)

// A task for which this machine has no room is not placed, as ECS says of capacity that is
// not there. That is no failure of the deployment: its circuit breaker is about programs.

// roomInterval is how often, in real time, a service that has no room for its tasks looks
// whether there is some.
const roomInterval = 2 * time.Second

// hasRoom is whether tasks of a service may be started. If not, the service tells why, and is
// reconciled again.
func (a *API) hasRoom(tx *state.Tx, s *service, now time.Time) bool {
	err := a.cell.Disk.Check()
	if err == nil {
		return true
	}
	a.warn(tx, s, cannotPlace(remedy(err)))
	a.reconciling.Sooner(s, now.Add(a.virtual(roomInterval)))
	return false
}

// lackBehind is what this machine lacked, if a task was not started for that, or "".
func (a *API) lackBehind(err error) string {
	full := a.cell.Disk.Check()
	switch {
	case errors.Is(err, errStopped):
	case errors.Is(err, runtime.ErrNoRoom):
		return strings.TrimPrefix(err.Error(), runtime.ErrNoRoom.Error()+": ")
	case full != nil: // a program that does not find the room it needs may say anything
		return remedy(full)
	case disk.Fills(err):
		return "it needs more room on the disk than there is; free some"
	case descriptors.Exhausted(err):
		return "too few file descriptors are left; stop tasks, or start the server with a higher limit"
	}
	return ""
}

// lackOfContainers is what this machine lacked, if a task has ended since an essential container that
// waited for others was not started for that, or "". One that is not essential ends no task.
func (a *API) lackOfContainers(t *task, exits []runtime.Exit) string {
	for _, c := range t.definition.api.ContainerDefinitions {
		i := slices.IndexFunc(exits, func(e runtime.Exit) bool { return e.Container == *c.Name })
		if i < 0 || exits[i].Err == nil || !aws.ToBool(c.Essential) {
			continue
		}
		if lack := a.lackBehind(exits[i].Err); lack != "" {
			return lack
		}
	}
	return ""
}

// remedy says why the disk, or the database, takes no writes, and what to do.
func remedy(err error) string {
	type remedied interface {
		error
		Remedy() string
	}
	if full, is := errors.AsType[remedied](err); is {
		return full.Remedy()
	}
	return err.Error()
}
