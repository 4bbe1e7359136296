package ecr

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// A lifecyclePolicy says which images are to go ("Lifecycle policy properties" of the
// Amazon ECR user guide). It is checked and kept, and not carried out.
type lifecyclePolicy struct {
	Rules []lifecycleRule `json:"rules"`
}

type lifecycleRule struct {
	Priority    int    `json:"rulePriority"`
	Description string `json:"description"`
	Selection   struct {
		TagStatus      string   `json:"tagStatus"`
		TagPrefixList  []string `json:"tagPrefixList"`
		TagPatternList []string `json:"tagPatternList"`
		StorageClass   string   `json:"storageClass"`
		CountType      string   `json:"countType"`
		CountUnit      string   `json:"countUnit"`
		CountNumber    int      `json:"countNumber"`
	} `json:"selection"`
	Action struct {
		Type               string `json:"type"`
		TargetStorageClass string `json:"targetStorageClass"`
	} `json:"action"`
}

// mostLifecycleRules of a policy ("Amazon ECR service quotas").
const mostLifecycleRules = 50

// mostTagWildcards of a pattern of tags.
const mostTagWildcards = 4

// checkLifecycle says what is wrong with the text of a policy.
func checkLifecycle(text string) error {
	var p lifecyclePolicy
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return badLifecycle("Could not map policyString into LifecyclePolicy.")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return badLifecycle("Could not map policyString into LifecyclePolicy.")
	}
	switch {
	case len(p.Rules) == 0:
		return badLifecycle(`object has missing required properties (["rules"])`)
	case len(p.Rules) > mostLifecycleRules:
		return badLifecycle("array is too long: must have at most %d elements but instance has %d elements", mostLifecycleRules, len(p.Rules))
	}
	last := slices.MaxFunc(p.Rules, func(a, b lifecycleRule) int { return a.Priority - b.Priority }).Priority
	seen, untagged := map[int]bool{}, map[string]bool{} // the latter by their class of storage
	for _, r := range p.Rules {
		switch s := r.Selection; {
		case r.Priority < 1:
			return badLifecycle("each rule has a rulePriority of at least 1")
		case seen[r.Priority]:
			return badLifecycle("Duplicate priority in multiple rules")
		case s.TagStatus == "untagged" && untagged[s.StorageClass]:
			return badLifecycle("Only one rule can select Untagged images.")
		case s.TagStatus == "untagged":
			untagged[s.StorageClass] = true
		}
		seen[r.Priority] = true
		if r.Selection.TagStatus == "any" && r.Priority != last {
			return badLifecycle("the rule with tagStatus any has the highest rulePriority")
		}
		if err := r.check(); err != nil {
			return err
		}
	}
	return nil
}

func badLifecycle(format string, args ...any) error {
	return unmet("LifecyclePolicyText", "Lifecycle policy validation failure: "+fmt.Sprintf(format, args...))
}

func (r lifecycleRule) check() error {
	s := r.Selection
	lists := len(s.TagPrefixList) > 0 || len(s.TagPatternList) > 0
	switch s.TagStatus {
	case "tagged":
		if !lists {
			return badLifecycle("Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.")
		}
		for _, pattern := range s.TagPatternList {
			if strings.Count(pattern, "*") > mostTagWildcards {
				return badLifecycle("Invalid tag pattern provided. Total number of * must not exceed %d", mostTagWildcards)
			}
		}
		if len(s.TagPrefixList) > 0 && len(s.TagPatternList) > 0 {
			return badLifecycle("rule %d: tagStatus tagged takes either tagPrefixList or tagPatternList", r.Priority)
		}
	case "untagged", "any":
		if lists {
			return badLifecycle("rule %d: tagStatus %s takes no list of tags", r.Priority, s.TagStatus)
		}
	default:
		return badLifecycle(`instance value (%q) not found in enum (possible values: ["any","tagged","untagged"])`, s.TagStatus)
	}
	switch {
	case s.CountNumber >= 1 && s.CountType == "imageCountMoreThan" && s.CountUnit == "":
	case s.CountNumber >= 1 && s.CountUnit == "days" && slices.Contains([]string{"sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"}, s.CountType):
	default:
		return badLifecycle("instance failed to match exactly one schema (matched 0 out of 4)")
	}
	return r.checkAction()
}

func (r lifecycleRule) checkAction() error {
	switch a := r.Action; {
	case a.Type == "expire" && a.TargetStorageClass == "":
		return nil
	case a.Type == "transition" && a.TargetStorageClass == "archive":
		return nil
	}
	return unmet("LifecyclePolicyText", "Lifecycle policy parsing failure: Could not map policyString into LifecyclePolicy.")
}

// PutLifecyclePolicy keeps the lifecycle policy of a repository.
func (a *API) PutLifecyclePolicy(ctx context.Context, in *ecr.PutLifecyclePolicyInput, _ ...func(*ecr.Options)) (*ecr.PutLifecyclePolicyOutput, error) {
	r, err := a.alter(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		r.Lifecycle = aws.ToString(in.LifecyclePolicyText)
		return checkLifecycle(r.Lifecycle)
	})
	if err != nil {
		return nil, err
	}
	return &ecr.PutLifecyclePolicyOutput{RegistryId: &a.Cell.Account, RepositoryName: &r.Name, LifecyclePolicyText: &r.Lifecycle}, nil
}

// neverEvaluated is when a lifecycle policy has acted last that has not acted yet.
func neverEvaluated() *time.Time { return aws.Time(time.Unix(0, 0)) }

// GetLifecyclePolicy reads the lifecycle policy of a repository.
func (a *API) GetLifecyclePolicy(ctx context.Context, in *ecr.GetLifecyclePolicyInput, _ ...func(*ecr.Options)) (*ecr.GetLifecyclePolicyOutput, error) {
	r, err := a.look(ctx, in.RegistryId, in.RepositoryName)
	if err == nil && r.Lifecycle == "" {
		err = a.noLifecycle(r)
	}
	if err != nil {
		return nil, err
	}
	return &ecr.GetLifecyclePolicyOutput{RegistryId: &a.Cell.Account, RepositoryName: &r.Name, LifecyclePolicyText: &r.Lifecycle, LastEvaluatedAt: neverEvaluated()}, nil
}

// DeleteLifecyclePolicy removes the lifecycle policy of a repository.
func (a *API) DeleteLifecyclePolicy(ctx context.Context, in *ecr.DeleteLifecyclePolicyInput, _ ...func(*ecr.Options)) (*ecr.DeleteLifecyclePolicyOutput, error) {
	var text string
	r, err := a.alter(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		if r.Lifecycle == "" {
			return a.noLifecycle(*r)
		}
		text, r.Lifecycle = r.Lifecycle, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.DeleteLifecyclePolicyOutput{RegistryId: &a.Cell.Account, RepositoryName: &r.Name, LifecyclePolicyText: &text, LastEvaluatedAt: neverEvaluated()}, nil
}

func (s *service) noLifecycle(r repository) error {
	return &types.LifecyclePolicyNotFoundException{Message: aws.String(fmt.Sprintf(
		"Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", r.Name, s.Cell.Account))}
}
