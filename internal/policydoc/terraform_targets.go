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
	d.tag(id, tagsOf(r, "tags_all")) // with those that the provider gives all
	d.tag(id, tagsOf(r, "tags"))
	return err
}

// tagsOf are the tags of a resource that are known before an apply.
func tagsOf(r *resource, member string) map[string]string {
	values, _ := r.Values[member].(map[string]any)
	tags := map[string]string{}
	for key, value := range values {
		if text, ok := value.(string); ok {
			tags[key] = text
		}
	}
	return tags
}

// resourceID is the resource of a target, or of the target that a policy refers to. One
// that is known only after an apply is found by what it refers to, or else it is the one service
// of the module.
func (p *plan) resourceID(r *resource) (string, error) {
	if id, ok := r.Values["resource_id"].(string); ok {
		return id, nil
	}
	if r.Type != "aws_appautoscaling_target" {
		if to := p.referred(r, "resource_id", "aws_appautoscaling_target"); to != nil {
			return p.resourceID(to)
		}
	}
	if to := p.referred(r, "resource_id", "aws_ecs_service"); to != nil {
		return p.serviceID(to), nil
	}
	if to := p.serviceNear(r); to != nil {
		return p.serviceID(to), nil
	}
	return "", errors.New("its resource_id is known only after the apply, and refers to nothing that is known before; after the apply, terraform show -json tells it of the state")
}

// serviceNear is the one service in the module of a resource, or in the nearest module around it
// that has services; nil: there is none, or several.
func (p *plan) serviceNear(r *resource) *resource {
	module, _ := moduleOf(r.Address)
	for {
		var found []*resource
		for i := range p.resources {
			if in, _ := moduleOf(p.resources[i].Address); p.resources[i].Type == "aws_ecs_service" && in == module {
				found = append(found, &p.resources[i])
			}
		}
		if len(found) == 1 {
			return found[0]
		}
		if len(found) > 1 || module == "" {
			return nil
		}
		around := dotted(module)
		if module = strings.Join(around[:len(around)-2], "."); module != "" {
			module += "."
		}
	}
}

func (p *plan) service(d *Documents, r *resource) {
	s := Service{ResourceID: p.serviceID(r), Desired: number(r.Values["desired_count"])}
	if t := p.referred(r, "task_definition", "aws_ecs_task_definition"); t != nil {
		s.CPU, s.Memory = number(t.Values["cpu"]), number(t.Values["memory"])
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
		if c := p.referred(r, "cluster", "aws_ecs_cluster"); c != nil {
			cluster, _ = c.Values["name"].(string)
		}
	}
	cluster = cluster[strings.LastIndex(cluster, "/")+1:]
	if cluster == "" {
		cluster = "default"
	}
	return "service/" + cluster + "/" + name
}
