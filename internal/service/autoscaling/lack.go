package autoscaling

import (
	"fmt"
	"strings"

	"flyball/scaling"
)

// A Lack is what keeps a role from being used. The zero value is nothing.
type Lack struct {
	Absent bool     // there is no such role
	Trust  []string // the services, none of which may assume it
	Denied []Denied
}

// Denied is an action that a role may not perform.
type Denied struct {
	Action, Resource string
	Why              string // the end of the sentence: because no identity-based policy allows the ... action
}

// of tells all that the role of a target lacks, or nothing. The words are never AWS's
// "Unable to assume IAM role", on which clients wait for a role that was made just
// now: here roles are there at once.
func (l Lack) of(role string, id scaling.ResourceID) string {
	if l.Absent {
		return fmt.Sprintf("The role %s does not exist.", role)
	}
	if len(l.Trust) == 0 && len(l.Denied) == 0 {
		return ""
	}
	sentences := []string{fmt.Sprintf("The role %s cannot be used to scale %s.", role, id)}
	if len(l.Trust) > 0 {
		sentences = append(sentences, fmt.Sprintf("Its trust policy does not allow sts:AssumeRole to %s.", strings.Join(l.Trust, " or ")))
	}
	if len(l.Denied) > 0 {
		var actions []string
		for _, d := range l.Denied {
			actions = append(actions, fmt.Sprintf("%s on resource: %s %s", d.Action, d.Resource, d.Why))
		}
		sentences = append(sentences, fmt.Sprintf("It is not authorized to perform: %s.", strings.Join(actions, "; ")))
	}
	return strings.Join(sentences, " ")
}
