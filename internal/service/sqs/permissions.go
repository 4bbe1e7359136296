package sqs

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/service/sqs/fault"
	"flyball/internal/service/sqs/rules"
)

// A policyText is a queue's policy as AddPermission and RemovePermission change it.
// Statements are kept as they are.
type policyText struct {
	Version   string            `json:"Version"`
	ID        string            `json:"Id"`
	Statement []json.RawMessage `json:"Statement"`
}

// A grant is the statement that AddPermission makes.
type grant struct {
	Sid       string               `json:"Sid"`
	Effect    string               `json:"Effect"`
	Principal map[string]oneOrMore `json:"Principal"`
	Action    oneOrMore            `json:"Action"`
	Resource  string               `json:"Resource"`
}

// oneOrMore is texts, of which a single one stands alone.
type oneOrMore []string

// MarshalJSON writes the texts.
func (t oneOrMore) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// granted are the actions that AddPermission can allow ("AddPermission").
var granted = []string{"*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage", "SendMessage"}

// AddPermission adds a statement to the policy of a queue.
func (a *API) AddPermission(ctx context.Context, in *sqs.AddPermissionInput, _ ...func(*sqs.Options)) (*sqs.AddPermissionOutput, error) {
	owner, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	g, err := owner.grant(r, in)
	if err != nil {
		return nil, err
	}
	err = owner.change(ctx, r.Name, func(_ context.Context, r *row) error {
		p := owner.readPolicy(*r)
		if p.find(g.Sid) >= 0 {
			return fault.Value(g.Sid, "Label", "Already exists.")
		}
		statement, err := json.Marshal(g)
		if err != nil {
			return err
		}
		p.Statement = append(p.Statement, statement)
		return r.setPolicy(p)
	})
	if err != nil {
		return nil, err
	}
	return &sqs.AddPermissionOutput{}, nil
}

// mostActions are those of a statement ("Quotas related to policies").
const mostActions = 7

// grant is the statement that is asked for.
func (a *API) grant(r row, in *sqs.AddPermissionInput) (g grant, err error) {
	g = grant{Sid: aws.ToString(in.Label), Effect: "Allow", Principal: map[string]oneOrMore{}, Resource: a.arn(r.Name)}
	switch {
	case g.Sid == "":
		return g, fault.Missing("Label")
	case !rules.EntryID(g.Sid):
		return g, fault.Value(g.Sid, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
	case len(in.AWSAccountIds) == 0:
		return g, fault.Value("[]", "PrincipalId", "Unable to verify.")
	case len(in.Actions) == 0:
		return g, fault.Missing("Actions")
	case len(in.Actions) > mostActions:
		return g, fault.TooManyActions(len(in.Actions), mostActions)
	}
	for _, account := range in.AWSAccountIds {
		g.Principal["AWS"] = append(g.Principal["AWS"], "arn:"+a.cell.Partition()+":iam::"+account+":root")
	}
	for _, action := range in.Actions {
		if !slices.Contains(granted, action) {
			return g, fault.Value("SQS:"+action, "ActionName", "Only the queue owner is allowed to invoke this action.")
		}
		g.Action = append(g.Action, "SQS:"+action)
	}
	return g, nil
}

// RemovePermission removes a statement from the policy of a queue.
func (a *API) RemovePermission(ctx context.Context, in *sqs.RemovePermissionInput, _ ...func(*sqs.Options)) (*sqs.RemovePermissionOutput, error) {
	owner, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	label := aws.ToString(in.Label)
	if label == "" {
		return nil, fault.Missing("Label")
	}
	err = owner.change(ctx, r.Name, func(_ context.Context, r *row) error {
		p := owner.readPolicy(*r)
		i := p.find(label)
		if i < 0 {
			return fault.Value(label, "Label", "can't find label.")
		}
		p.Statement = slices.Delete(p.Statement, i, i+1)
		return r.setPolicy(p)
	})
	if err != nil {
		return nil, err
	}
	return &sqs.RemovePermissionOutput{}, nil
}

// readPolicy is the policy of a queue, or an empty one.
func (a *API) readPolicy(r row) policyText {
	p := policyText{Version: "2008-10-17", ID: a.arn(r.Name) + "/SQSDefaultPolicy"}
	_ = json.Unmarshal([]byte(r.Attributes[rules.Policy]), &p) // it was checked when it was set
	return p
}

// setPolicy gives a queue a policy. One without statements is none.
func (r *row) setPolicy(p policyText) error {
	text := ""
	if len(p.Statement) > 0 {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		text = string(b)
	}
	merged, err := rules.Merge(r.Attributes, map[string]string{rules.Policy: text}, r.fifo())
	if err == nil {
		r.Attributes = merged
	}
	return err
}

// find is the number of the statement with an identifier, or -1.
func (p policyText) find(sid string) int {
	return slices.IndexFunc(p.Statement, func(s json.RawMessage) bool {
		var named struct{ Sid string }
		return json.Unmarshal(s, &named) == nil && named.Sid == sid
	})
}
