package policydoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
		Calls     map[string]struct {
			Module configModule `json:"module"`
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
	references map[string]map[string][]string // by address without an index, and argument
	byAddress  map[string]*resource
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
	p := plan{references: map[string]map[string][]string{}, byAddress: map[string]*resource{}}
	p.collect(at.Root)
	if s.Config != nil {
		p.refer("", s.Config.Root)
	}
	for i := range p.resources {
		p.byAddress[p.resources[i].Address] = &p.resources[i]
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

// refer notes what arguments refer to, by full addresses.
func (p *plan) refer(prefix string, m configModule) {
	for _, r := range m.Resources {
		of := map[string][]string{}
		for name, raw := range r.Expressions {
			var e struct {
				References []string `json:"references"`
			}
			if json.Unmarshal(raw, &e) == nil {
				for _, to := range e.References {
					of[name] = append(of[name], prefix+to)
				}
			}
		}
		p.references[prefix+r.Address] = of
	}
	for name, call := range m.Calls {
		p.refer(prefix+"module."+name+".", call.Module)
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

// find is the resource that a reference such as aws_ecs_service.web.name names, or nil.
// Of several with an index it is the one with that of the resource that refers to it.
func (p *plan) find(reference, from string) *resource {
	parts := strings.Split(reference, ".")
	for n := len(parts); n >= 2; n-- {
		address := strings.Join(parts[:n], ".")
		if r := p.byAddress[address]; r != nil {
			return r
		}
		if i := strings.LastIndex(from, "["); i >= 0 {
			if r := p.byAddress[address+from[i:]]; r != nil {
				return r
			}
		}
	}
	return nil
}

// unindexed is an address without its indexes, as configuration has it.
func unindexed(address string) string {
	var b strings.Builder
	depth := 0
	for _, c := range address {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}
