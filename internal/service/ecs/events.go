package ecs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/uuid"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/state"
	runtime "flyball/internal/task"
)

// The types of the events that are published to the cell's stream. Those with
// state changes and actions are ECS's own (Amazon ECS Developer Guide, "Amazon ECS
// events"). A service event is each message that DescribeServices shows.
const (
	EventTask       = "ECS Task State Change"       // Detail is a types.Task
	EventAction     = "ECS Service Action"          // Detail is an Action
	EventDeployment = "ECS Deployment State Change" // Detail is an Action
	EventHook       = "ECS Hook State Change"       // Detail is an Action
	EventService    = "ECS Service Event"           // Detail is a types.ServiceEvent
)

// An Action is what an event tells of a service or of its deployment.
type Action struct {
	EventType    string    `json:"eventType"` // INFO, WARN or ERROR
	EventName    string    `json:"eventName"` // such as SERVICE_STEADY_STATE
	ClusterARN   string    `json:"clusterArn"`
	CreatedAt    time.Time `json:"createdAt"`
	DesiredCount *int32    `json:"desiredCount,omitempty"`
	DeploymentID string    `json:"deploymentId,omitempty"`
	Reason       string    `json:"reason,omitempty"`
}

// publish tells the cell's stream of something once the change is on disk.
func (a *API) publish(tx *state.Tx, kind, resource string, detail any) {
	a.cell.Announce(tx, "aws.ecs", kind, resource, detail)
}

// publishTask tells of a task that has changed its state.
func (a *API) publishTask(tx *state.Tx, t *task) { a.publish(tx, EventTask, t.arn(), t.api) }

// publishAction tells of something that a service has come to.
func (a *API) publishAction(tx *state.Tx, s *service, kind string, action Action) {
	action.ClusterARN = *s.cluster.api.ClusterArn
	action.CreatedAt = a.now()
	a.publish(tx, kind, s.arn(), action)
}

// maxEvents is how many events a service shows.
const maxEvents = 100

// tell adds an event to a service. The list is replaced, not changed, because
// descriptions share it.
func (a *API) tell(tx *state.Tx, s *service, m message) {
	e := types.ServiceEvent{
		Id:        aws.String(uuid.NewString()),
		CreatedAt: aws.Time(a.now()),
		Message:   aws.String(s.says(m)),
	}
	events := make([]types.ServiceEvent, 0, min(len(s.events)+1, maxEvents))
	events = append(events, e)
	s.events = append(events, s.events[:min(len(s.events), maxEvents-1)]...)

	tx.Put(kindEvent, s.eventKey(s.eventNumber), e)
	if s.eventNumber >= maxEvents {
		tx.Delete(kindEvent, s.eventKey(s.eventNumber-maxEvents))
	}
	s.eventNumber++

	a.publish(tx, EventService, s.arn(), e)
	if m.kind != "" {
		a.publishAction(tx, s, m.kind, m.action)
	}
}

// says is the text of an event.
func (s *service) says(m message) string { return "(service " + s.name + ") " + m.text }

// shows says whether an event with a message is among those that a service shows.
func (s *service) shows(m message) bool {
	return slices.ContainsFunc(s.events, func(e types.ServiceEvent) bool { return *e.Message == s.says(m) })
}

// tellDeployment tells that a service has a new deployment. It shows no message of
// that.
func (a *API) tellDeployment(tx *state.Tx, s *service) {
	d := s.primary()
	a.publishAction(tx, s, EventDeployment, Action{
		EventType: "INFO", EventName: "SERVICE_DEPLOYMENT_IN_PROGRESS", DeploymentID: d.ID, Reason: d.Reason,
	})
}

// eventKey sorts events by age.
func (s *service) eventKey(n uint64) string { return fmt.Sprintf("%s/%016x", s.key(), n) }

// warn adds an event unless it repeats a warning since the service was steady last, and returns
// whether it did.
func (a *API) warn(tx *state.Tx, s *service, m message) bool {
	if slices.Contains(s.warned, m.text) {
		return false
	}
	s.warned = append(slices.Clip(s.warned), m.text)
	a.tell(tx, s, m)
	return true
}

// A message is what a service tells, in ECS's words.
type message struct {
	text   string // what follows the name of the service
	kind   string // of the event that ECS sends with it, "" for none
	action Action
}

// The messages of the service scheduler.

func startedTasks(ids []string) message {
	return message{text: fmt.Sprintf("has started %d tasks: %s.", len(ids), listTasks(ids))}
}

func stoppedRunning(ids []string) message {
	return message{text: fmt.Sprintf("has stopped %d running tasks: %s.", len(ids), listTasks(ids))}
}

func stoppedPending(n int) message {
	return message{text: fmt.Sprintf("stopped %d pending tasks.", n)}
}

func beganDraining(n int) message {
	return message{text: fmt.Sprintf("has begun draining connections on %d tasks.", n)}
}

func failedHealthCheck(id string) message {
	return message{text: fmt.Sprintf("(task %s) failed container health checks.", id)}
}

func cannotKeepRunning(e runtime.Exit, why string) message {
	return message{text: fmt.Sprintf("was unable to keep a task running. Container %s has stopped with exit code %d: %s", e.Container, e.Code, why)}
}

func failedToLaunch(reason string) message {
	return message{text: "failed to launch a task with (error " + reason + ")."}
}

// cannotPlace tells that no task is started for what this machine lacks.
func cannotPlace(why string) message {
	return message{
		text:   "was unable to place a task because " + why + ". The service goes on by itself then.",
		kind:   EventAction,
		action: Action{EventType: "ERROR", EventName: "SERVICE_TASK_PLACEMENT_FAILURE", Reason: why},
	}
}

func registeredTargets(group string) func(n int) message {
	return func(n int) message {
		return message{text: fmt.Sprintf("registered %d targets in (target-group %s)", n, group)}
	}
}

func deregisteredTargets(group string) func(n int) message {
	return func(n int) message {
		return message{text: fmt.Sprintf("deregistered %d targets in (target-group %s)", n, group)}
	}
}

func cannotRegister(group string, err error) message {
	_, text := fault.Code(err)
	return message{text: fmt.Sprintf("failed to register targets in (target-group %s) with (error %s)", group, text)}
}

func cannotRoute(r route, err error) message {
	_, text := fault.Code(err)
	return message{text: fmt.Sprintf("was unable to shift traffic with (listener-rule %s) due to (error %s)", r.Production, text)}
}

func targetGroupGone(group string) message {
	return message{text: fmt.Sprintf("is not healthy in (target-group %s) due to (reason TARGET GROUP IS NOT FOUND).", group)}
}

func failedTarget(m *target) message {
	return message{text: fmt.Sprintf("(task %s) (port %d) is unhealthy in (target-group %s) due to (reason %s).", m.task.id, m.Port, m.Group, m.Reason)}
}

func cannotScaleIn(d *deployment, protected int) message {
	return message{text: fmt.Sprintf("was unable to reach steady state because (taskSet %s) was unable to scale in due to (reason %d tasks under protection)", d.ID, protected)}
}

func rollingBackTo(d *deployment) message {
	return message{text: "rolling back to deployment " + d.ID + "."}
}

func deploymentCompleted(d *deployment) message {
	return deploymentMessage(d, "deployment completed.", Action{EventType: "INFO", EventName: "SERVICE_DEPLOYMENT_COMPLETED"})
}

func deploymentFailed(d *deployment, why cause) message {
	return deploymentMessage(d, "deployment failed: "+why.fault, Action{EventType: "ERROR", EventName: "SERVICE_DEPLOYMENT_FAILED"})
}

func deploymentMessage(d *deployment, text string, action Action) message {
	action.DeploymentID, action.Reason = d.ID, d.Reason
	return message{text: fmt.Sprintf("(deployment %s) %s", d.ID, text), kind: EventDeployment, action: action}
}

var (
	reachedSteadyState = message{
		text:   "has reached a steady state.",
		kind:   EventAction,
		action: Action{EventType: "INFO", EventName: "SERVICE_STEADY_STATE"},
	}
	cannotStart = message{
		text:   "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
		kind:   EventAction,
		action: Action{EventType: "WARN", EventName: "SERVICE_TASK_START_IMPAIRED"},
	}
	cannotMove = message{
		text: "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
	}
)

func listTasks(ids []string) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("(task " + id + ")")
	}
	return b.String()
}
