package policydoc

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func (p *plan) target(d *Documents, r *resource) error {
	var t types.ScalableTarget
	id, err := p.resourceID(r)
	if err == nil {
		err = into(r.Values, &t)
	}
	t.ResourceId = &id
	d.Targets = append(d.Targets, t)
	return err
}

// resourceID is the resource of a target, or of the target that a policy refers to. One
// that is known only after an apply is found by what it refers to.
func (p *plan) resourceID(r *resource) (string, error) {
	if id, ok := r.Values["resource_id"].(string); ok {
		return id, nil
	}
	for _, to := range p.references[unindexed(r.Address)]["resource_id"] {
		to := p.find(to, r.Address)
		if to == nil {
			continue
		}
		switch to.Type {
		case "aws_appautoscaling_target":
			return p.resourceID(to)
		case "aws_ecs_service":
			return p.serviceID(to), nil
		}
	}
	return "", errors.New("its resource_id is known only after the apply, and refers to nothing that is known before")
}

func (p *plan) service(d *Documents, r *resource) {
	s := Service{ResourceID: p.serviceID(r), Desired: number(r.Values["desired_count"])}
	for _, to := range p.references[unindexed(r.Address)]["task_definition"] {
		if t := p.find(to, r.Address); t != nil && t.Type == "aws_ecs_task_definition" {
			s.CPU, s.Memory = number(t.Values["cpu"]), number(t.Values["memory"])
			break
		}
	}
	if s.CPU == 0 {
		arn, _ := r.Values["task_definition"].(string)
		for i := range p.resources {
			if t := &p.resources[i]; t.Type == "aws_ecs_task_definition" && arn != "" && t.Values["arn"] == arn {
				s.CPU, s.Memory = number(t.Values["cpu"]), number(t.Values["memory"])
			}
		}
	}
	d.Services = append(d.Services, s)
}

// serviceID is the resource id of a service, by its names.
func (p *plan) serviceID(r *resource) string {
	name, _ := r.Values["name"].(string)
	cluster, _ := r.Values["cluster"].(string)
	if cluster == "" {
		for _, to := range p.references[unindexed(r.Address)]["cluster"] {
			if c := p.find(to, r.Address); c != nil && c.Type == "aws_ecs_cluster" {
				cluster, _ = c.Values["name"].(string)
			}
		}
	}
	cluster = cluster[strings.LastIndex(cluster, "/")+1:]
	if cluster == "" {
		cluster = "default"
	}
	return "service/" + cluster + "/" + name
}
