package ecs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// An Interface is the elastic network interface of a task.
type Interface struct {
	ID               string // eni-...
	PrivateAddress   string
	MACAddress       string
	Subnet           string // its ID
	AvailabilityZone string
	SecurityGroups   []string // their IDs
	Description      string   // the ARN of the attachment, as AWS describes such an interface
	Task             string   // its ARN
	Created          time.Time
}

// Interfaces are the network interfaces of the tasks that run, in no order. Tasks
// without a network of their own have none.
func (a *API) Interfaces(ctx context.Context) []Interface {
	var found []Interface
	a.cell.State.View(ctx, func() {
		for _, c := range a.clusters {
			for _, t := range c.tasks {
				if t.address != "" && !t.stopped() && t.definition.api.NetworkMode == types.NetworkModeAwsvpc {
					found = append(found, a.networkInterface(t))
				}
			}
		}
	})
	return found
}

// subnet is that of the task's network interface, or "".
func (t *task) subnet() string {
	for _, d := range t.api.Attachments[0].Details {
		if aws.ToString(d.Name) == "subnetId" {
			return aws.ToString(d.Value)
		}
	}
	return ""
}

func (a *API) networkInterface(t *task) Interface {
	attachment := t.api.Attachments[0]
	i := Interface{
		PrivateAddress:   t.address,
		Subnet:           t.subnet(),
		AvailabilityZone: aws.ToString(t.api.AvailabilityZone),
		SecurityGroups:   t.securityGroups,
		Description:      a.arn("attachment", *attachment.Id),
		Task:             t.arn(),
		Created:          aws.ToTime(t.api.CreatedAt),
	}
	for _, d := range attachment.Details {
		switch aws.ToString(d.Name) {
		case "networkInterfaceId":
			i.ID = aws.ToString(d.Value)
		case "macAddress":
			i.MACAddress = aws.ToString(d.Value)
		}
	}
	return i
}
