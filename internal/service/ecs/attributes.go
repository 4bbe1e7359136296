package ecs

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/state"
)

// maxAttributes is how many attributes a user may put on an instance.
const maxAttributes = 10

// What attributes may be, from the API reference of Attribute. A value may
// neither begin nor end with a blank.
var (
	attributeName  = regexp.MustCompile(`^[a-zA-Z0-9_./\\-]+$`)
	attributeValue = regexp.MustCompile(`^[a-zA-Z0-9_./\\@:-]([a-zA-Z0-9_./\\@: -]*[a-zA-Z0-9_./\\@:-])?$`)
)

const maxAttribute = 128 // the length of a name and of a value

func checkAttributes(attributes []types.Attribute) error {
	for _, a := range attributes {
		switch {
		case len(aws.ToString(a.Name)) > maxAttribute || !attributeName.MatchString(aws.ToString(a.Name)):
			return fault.InvalidParameter("The attribute name %q is not valid. It can have up to 128 letters, numbers, hyphens, underscores, slashes, back slashes and periods.", aws.ToString(a.Name))
		case aws.ToString(a.Value) != "" && (len(*a.Value) > maxAttribute || !attributeValue.MatchString(*a.Value)):
			return fault.InvalidParameter("The value of the attribute %s is not valid.", *a.Name)
		}
	}
	return nil
}

// inOrder sorts attributes by their names.
func inOrder(attributes []types.Attribute) []types.Attribute {
	slices.SortFunc(attributes, func(x, y types.Attribute) int { return cmp.Compare(*x.Name, *y.Name) })
	return attributes
}

// mergeAttributes returns old with the changes made, as a new list.
func mergeAttributes(old, changes []types.Attribute) []types.Attribute {
	merged := slices.Clone(optional.List(old))
	for _, a := range changes {
		put := types.Attribute{Name: a.Name, Value: a.Value}
		if i := slices.IndexFunc(merged, func(m types.Attribute) bool { return *m.Name == *a.Name }); i >= 0 {
			merged[i] = put
		} else {
			merged = append(merged, put)
		}
	}
	return inOrder(merged)
}

// custom counts the attributes that are not ECS's own.
func custom(attributes []types.Attribute) int {
	n := 0
	for _, a := range attributes {
		if !strings.HasPrefix(*a.Name, "ecs.") {
			n++
		}
	}
	return n
}

// changeAttributes works a change of attributes out for each instance that they
// name, and makes all of them or none.
func (a *API) changeAttributes(ctx context.Context, cluster *string, attributes []types.Attribute, change func(old []types.Attribute, one types.Attribute) []types.Attribute) ([]types.Attribute, error) {
	switch n := len(attributes); {
	case n == 0:
		return nil, fault.InvalidParameter("Attributes cannot be empty.")
	case n > 10:
		return nil, fault.InvalidParameter("Attributes can have at most 10 items.")
	}
	if err := checkAttributes(attributes); err != nil {
		return nil, err
	}
	changed := []types.Attribute{}
	err := a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(cluster)
		if err != nil {
			return err
		}
		lists := map[*containerInstance][]types.Attribute{}
		for _, one := range attributes {
			i, err := a.attributeTarget(c, one)
			if err != nil {
				return err
			}
			old, ok := lists[i]
			if !ok {
				old = i.api.Attributes
			}
			lists[i] = change(old, one)
			if custom(lists[i]) > maxAttributes {
				return &types.AttributeLimitExceededException{Message: aws.String("You can apply up to 10 custom attributes for each resource.")}
			}
			changed = append(changed, types.Attribute{Name: one.Name, Value: one.Value, TargetId: i.api.ContainerInstanceArn})
		}
		for i, list := range lists {
			keep(tx, i)
			i.api.Attributes = list
			i.api.Version++
			i.save(tx)
		}
		return nil
	})
	return changed, err
}

// attributeTarget is the instance that an attribute is put on.
func (a *API) attributeTarget(c *cluster, one types.Attribute) (*containerInstance, error) {
	ref := aws.ToString(one.TargetId)
	if ref == "" {
		return nil, fault.InvalidParameter("The target ID of the attribute %s must be specified.", *one.Name)
	}
	i, ok := a.findInstance(c, ref)
	if !ok {
		return nil, &types.TargetNotFoundException{Message: aws.String("The specified target was not found: " + ref)}
	}
	return i, nil
}

// PutAttributes sets attributes of container instances.
func (a *API) PutAttributes(ctx context.Context, in *ecs.PutAttributesInput, _ ...func(*ecs.Options)) (*ecs.PutAttributesOutput, error) {
	put, err := a.changeAttributes(ctx, in.Cluster, in.Attributes, func(old []types.Attribute, one types.Attribute) []types.Attribute {
		return mergeAttributes(old, []types.Attribute{one})
	})
	return answer(&ecs.PutAttributesOutput{Attributes: put}, err)
}

// DeleteAttributes removes attributes of container instances, by their names.
func (a *API) DeleteAttributes(ctx context.Context, in *ecs.DeleteAttributesInput, _ ...func(*ecs.Options)) (*ecs.DeleteAttributesOutput, error) {
	deleted, err := a.changeAttributes(ctx, in.Cluster, in.Attributes, func(old []types.Attribute, one types.Attribute) []types.Attribute {
		return slices.DeleteFunc(slices.Clone(old), func(m types.Attribute) bool { return *m.Name == *one.Name })
	})
	return answer(&ecs.DeleteAttributesOutput{Attributes: deleted}, err)
}

// ListAttributes lists the attributes of a cluster's container instances, by
// name, or by name and value.
func (a *API) ListAttributes(ctx context.Context, in *ecs.ListAttributesInput, _ ...func(*ecs.Options)) (*ecs.ListAttributesOutput, error) {
	if in.AttributeValue != nil && in.AttributeName == nil {
		return nil, fault.InvalidParameter("An attribute value can only be given with an attribute name.")
	}
	found, err := read(ctx, a, func() (map[string]types.Attribute, error) { return a.matchingAttributes(in) })
	if err != nil {
		return nil, err
	}
	keys, next, err := pageOf(slices.Sorted(maps.Keys(found)), in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &ecs.ListAttributesOutput{Attributes: []types.Attribute{}, NextToken: next}
	for _, k := range keys {
		out.Attributes = append(out.Attributes, found[k])
	}
	return out, nil
}

// matchingAttributes are the attributes that pass the filters, by instance and
// name.
func (a *API) matchingAttributes(in *ecs.ListAttributesInput) (map[string]types.Attribute, error) {
	c, err := a.activeCluster(in.Cluster)
	if err != nil {
		return nil, err
	}
	found := map[string]types.Attribute{}
	for _, i := range c.instances {
		for _, one := range i.api.Attributes {
			if in.AttributeName != nil && *in.AttributeName != *one.Name || in.AttributeValue != nil && *in.AttributeValue != aws.ToString(one.Value) {
				continue
			}
			one.TargetId = i.api.ContainerInstanceArn
			found[i.arn()+" "+*one.Name] = one
		}
	}
	return found, nil
}
