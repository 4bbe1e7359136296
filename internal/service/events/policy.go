package events

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"flyball/internal/service/events/fault"
	"flyball/policy"
)

// mostPolicy is how long the policy of a bus may be: "The permission policy on the event
// bus cannot exceed 10 KB in size" (PutPermission).
const mostPolicy = 10 << 10

// A policyText is the policy of a bus as PutPermission and RemovePermission change it.
// Statements are kept as they are.
type policyText struct {
	Version   string            `json:"Version"`
	Statement []json.RawMessage `json:"Statement"`
}

// A grant is the statement that PutPermission makes.
type grant struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// PutPermission gives a bus a policy, or adds a statement to the one it has.
func (a *API) PutPermission(ctx context.Context, in *eventbridge.PutPermissionInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutPermissionOutput, error) {
	name, err := a.busName(in.EventBusName)
	if err != nil {
		return nil, err
	}
	statement, err := a.statement(name, in)
	if err != nil {
		return nil, err
	}
	err = a.changeBus(ctx, name, func(b *bus) error {
		if in.Policy != nil {
			return b.setPolicy(*in.Policy)
		}
		p := b.readPolicy()
		if i := p.find(*in.StatementId); i >= 0 {
			p.Statement[i] = statement
		} else {
			p.Statement = append(p.Statement, statement)
		}
		return b.writePolicy(p)
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.PutPermissionOutput{}, nil
}

// statement is the one that is asked for, or nil where a whole policy is given.
func (a *API) statement(busName string, in *eventbridge.PutPermissionInput) (json.RawMessage, error) {
	single := in.Action != nil || in.Principal != nil || in.StatementId != nil || in.Condition != nil
	switch {
	case in.Policy != nil && single:
		return nil, fault.Invalid("The policy parameter cannot be used together with the action, principal, statementId or condition parameters.")
	case in.Policy != nil:
		return nil, nil
	case in.StatementId == nil || in.Principal == nil || in.Action == nil:
		return nil, fault.Invalid("Parameter(s) %s must be specified.", strings.Join(lacking(in), ", "))
	case *in.Action != "events:PutEvents":
		return nil, fault.Invalid("Provided value in parameter 'action' is not supported.")
	}
	g := grant{Sid: *in.StatementId, Effect: "Allow", Principal: *in.Principal, Action: *in.Action, Resource: a.busARN(busName)}
	if *in.Principal != "*" {
		g.Principal = map[string]string{"AWS": "arn:" + a.cell.Partition() + ":iam::" + *in.Principal + ":root"}
	}
	if c := in.Condition; c != nil {
		if *c.Type != "StringEquals" || *c.Key != "aws:PrincipalOrgID" || *in.Principal != "*" {
			return nil, fault.Invalid("A condition must be StringEquals of aws:PrincipalOrgID, for the principal *.")
		}
		g.Condition = map[string]map[string]string{*c.Type: {*c.Key: *c.Value}}
	}
	return json.Marshal(g)
}

func lacking(in *eventbridge.PutPermissionInput) (names []string) {
	for _, m := range []struct {
		name  string
		value *string
	}{{"action", in.Action}, {"principal", in.Principal}, {"statementId", in.StatementId}} {
		if m.value == nil {
			names = append(names, m.name)
		}
	}
	return names
}

// RemovePermission removes a statement, or all, from the policy of a bus.
func (a *API) RemovePermission(ctx context.Context, in *eventbridge.RemovePermissionInput, _ ...func(*eventbridge.Options)) (*eventbridge.RemovePermissionOutput, error) {
	name, err := a.busName(in.EventBusName)
	if err != nil {
		return nil, err
	}
	if !in.RemoveAllPermissions && in.StatementId == nil {
		return nil, fault.Invalid("Parameter(s) statementId must be specified.")
	}
	err = a.changeBus(ctx, name, func(b *bus) error {
		if in.RemoveAllPermissions {
			b.Policy = ""
			return nil
		}
		p := b.readPolicy()
		i := p.find(*in.StatementId)
		if i < 0 {
			return fault.NotFound("Statement with the provided id does not exist.")
		}
		p.Statement = slices.Delete(p.Statement, i, i+1)
		return b.writePolicy(p)
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.RemovePermissionOutput{}, nil
}

// readPolicy is the policy of a bus, or an empty one. A statement that stands alone is a
// list of one.
func (b *bus) readPolicy() policyText {
	p := policyText{Version: "2012-10-17"}
	if json.Unmarshal([]byte(b.Policy), &p) == nil {
		return p
	}
	var single struct {
		Version   string
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(b.Policy), &single) == nil {
		p = policyText{single.Version, []json.RawMessage{single.Statement}}
	}
	return p
}

// writePolicy gives a bus a policy. One without statements is none.
func (b *bus) writePolicy(p policyText) error {
	if len(p.Statement) == 0 {
		b.Policy = ""
		return nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return b.setPolicy(string(text))
}

func (b *bus) setPolicy(text string) error {
	if len(text) > mostPolicy {
		return fault.PolicyTooLong(mostPolicy)
	}
	if _, err := policy.Parse(text, policy.ResourceBased); err != nil {
		return fault.Invalid("Invalid policy: %s", err)
	}
	b.Policy = text
	return nil
}

// find is the number of the statement with an identifier, or -1.
func (p policyText) find(sid string) int {
	return slices.IndexFunc(p.Statement, func(s json.RawMessage) bool {
		var named struct{ Sid string }
		return json.Unmarshal(s, &named) == nil && named.Sid == sid
	})
}

// Resource is the ARN, the tags and the policy of a bus or a rule, by the end of its ARN
// or by all of it, for those who judge.
func (a *API) Resource(ctx context.Context, name string) (arn string, tags map[string]string, policy string, ok bool) {
	if full, parsed := a.cell.Parse("events", name); parsed {
		name = full
	}
	busName, isBus := strings.CutPrefix(name, "event-bus/")
	ruleOf, ruleName, isRule := ruleOfARN(name)
	a.cell.State.View(ctx, func() {
		switch {
		case isBus:
			b, err := a.bus(busName)
			tags, policy, ok = b.Tags, b.Policy, err == nil
		case isRule:
			r, err := a.rule(ruleOf, ruleName)
			tags, ok = r.Tags, err == nil
		}
	})
	return a.cell.ARN("events", name), tags, policy, ok
}
