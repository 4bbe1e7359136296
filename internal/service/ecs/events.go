package ecs

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/uuid"

	"flyball/internal/store"
)

// maxEvents is how many events a service shows.
const maxEvents = 100

// event adds an event in ECS's words; the message is what follows the service.
// The list is replaced, not changed, because descriptions share it.
func (s *service) event(b *store.Batch, now time.Time, message string) {
	e := types.ServiceEvent{
		Id:        aws.String(uuid.NewString()),
		CreatedAt: aws.Time(now),
		Message:   aws.String("(service " + s.name + ") " + message),
	}
	events := make([]types.ServiceEvent, 0, min(len(s.events)+1, maxEvents))
	events = append(events, e)
	s.events = append(events, s.events[:min(len(s.events), maxEvents-1)]...)

	b.Put(kindEvent, s.eventKey(s.eventNumber), document(e))
	if s.eventNumber >= maxEvents {
		b.Delete(kindEvent, s.eventKey(s.eventNumber-maxEvents))
	}
	s.eventNumber++
}

// eventKey sorts events by age.
func (s *service) eventKey(n uint64) string { return fmt.Sprintf("%s/%016x", s.key(), n) }

// warn adds an event unless it repeats the last warning.
func (s *service) warn(b *store.Batch, now time.Time, message string) {
	if s.warned == message {
		return
	}
	s.warned = message
	s.event(b, now, message)
}

// The messages of the service scheduler.

func startedTasks(ids []string) string {
	return fmt.Sprintf("has started %d tasks: %s.", len(ids), listTasks(ids))
}

func stoppedRunning(ids []string) string {
	return fmt.Sprintf("has stopped %d running tasks: %s.", len(ids), listTasks(ids))
}

func stoppedPending(n int) string { return fmt.Sprintf("stopped %d pending tasks.", n) }

func beganDraining(n int) string {
	return fmt.Sprintf("has begun draining connections on %d tasks.", n)
}

func failedHealthCheck(id string) string {
	return fmt.Sprintf("(task %s) failed container health checks.", id)
}

func deploymentMessage(d *deployment, message string) string {
	return fmt.Sprintf("(deployment %s) %s", d.ID, message)
}

const (
	reachedSteadyState  = "has reached a steady state."
	deploymentCompleted = "deployment completed."
	deploymentFailed    = "deployment failed: tasks failed to start."
	cannotStart         = "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	cannotMove          = "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
)

func cannotScaleIn(d *deployment, protected int) string {
	return fmt.Sprintf("was unable to reach steady state because (taskSet %s) was unable to scale in due to (reason %d tasks under protection)", d.ID, protected)
}

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
