package policydoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// What `terraform show -json` prints, of a plan or a state ("JSON Output Format").
type (
	shown struct {
		Planned *values `json:"planned_values"`
		Values  *values `json:"values"`
		Config  *struct {
			Root configModule `json:"root_module"`
		} `json:"configuration"`
	}
	values struct {
		Root module `json:"root_module"`
	}
	module struct {
		Resources []resource `json:"resources"`
		Children  []module   `json:"child_modules"`
	}
	resource struct {
		Address string         `json:"address"`
		Mode    string         `json:"mode"`
		Type    string         `json:"type"`
		Values  map[string]any `json:"values"`
	}
	configModule struct {
		Resources []configResource `json:"resources"`
		Outputs   map[string]struct {
			Expression json.RawMessage `json:"expression"`
		} `json:"outputs"`
		Calls map[string]struct {
			Expressions map[string]json.RawMessage `json:"expressions"`
			Module      configModule               `json:"module"`
		} `json:"module_calls"`
	}
	configResource struct {
		Address     string                     `json:"address"`
		Expressions map[string]json.RawMessage `json:"expressions"`
	}
)

// A plan is the resources of a plan or state, with what their arguments refer to.
type plan struct {
	resources  []resource
	references map[string][]string    // of an argument, a variable or an output, by its address in the configuration
	configured map[string][]*resource // by address in the configuration: without indexes
}

// readTerraform reads a plan or state.
func readTerraform(raw json.RawMessage) (Documents, error) {
	var s shown
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&s); err != nil {
		return Documents{}, fmt.Errorf("read what Terraform shows: %w", wrongMember(err))
	}
	at := s.Planned
	if at == nil {
		at = s.Values
	}
	if at == nil {
		return Documents{}, errors.New("it is of Terraform, but neither a plan nor a state: terraform show -json PLANFILE prints a plan")
	}
	p := plan{references: map[string][]string{}, configured: map[string][]*resource{}}
	p.collect(at.Root)
	if s.Config != nil {
		p.refer("", s.Config.Root)
	}
	for i := range p.resources {
		r := &p.resources[i]
		p.configured[unindexed(r.Address)] = append(p.configured[unindexed(r.Address)], r)
	}
	return p.read()
}

func (p *plan) collect(m module) {
	for _, r := range m.Resources {
		if r.Mode != "data" {
			p.resources = append(p.resources, r)
		}
	}
	for _, child := range m.Children {
		p.collect(child)
	}
}

// read makes documents of the resources.
func (p *plan) read() (Documents, error) {
	var d Documents
	for i := range p.resources {
		r := &p.resources[i]
		var err error
		switch r.Type {
		case "aws_appautoscaling_target":
			err = p.target(&d, r)
		case "aws_appautoscaling_policy":
			err = p.policy(&d, r)
		case "aws_appautoscaling_scheduled_action":
			err = p.action(&d, r)
		case "aws_cloudwatch_metric_alarm":
			err = p.alarm(&d, r)
		case "aws_ecs_service":
			p.service(&d, r)
		}
		if err != nil {
			return d, fmt.Errorf("%s: %w", r.Address, err)
		}
	}
	return d, nil
}
