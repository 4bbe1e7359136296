package ecs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
	"flyball/internal/state"
)

// A provider is a capacity provider that a user created for an Auto Scaling
// group. Its tasks run on this machine, as all do; the group is not scaled.
type provider struct{ api types.CapacityProvider }

func (p *provider) save(tx *state.Tx) { tx.Put(kindProvider, *p.api.Name, p.api) }

// describe is the capacity provider as the API shows it.
func (p *provider) describe(include []types.CapacityProviderField) types.CapacityProvider {
	d := p.api
	if !slices.Contains(include, types.CapacityProviderFieldTags) {
		d.Tags = []types.Tag{}
	}
	return d
}

// findProvider returns a capacity provider that a user created, by its name or
// ARN.
func (a *API) findProvider(ref string) (*provider, bool) {
	parts, ok := a.resource("capacity-provider", ref)
	if !ok || len(parts) != 1 {
		return nil, false
	}
	p, ok := a.providers[parts[0]]
	return p, ok
}

// fargateProvider describes FARGATE or FARGATE_SPOT, by its name or ARN.
func (a *API) fargateProvider(ref string) (types.CapacityProvider, bool) {
	parts, ok := a.resource("capacity-provider", ref)
	if !ok || len(parts) != 1 || rules.FargateProviders[parts[0]] == "" {
		return types.CapacityProvider{}, false
	}
	return types.CapacityProvider{
		CapacityProviderArn: aws.String(a.arn("capacity-provider", parts[0])),
		Name:                aws.String(parts[0]),
		Status:              types.CapacityProviderStatusActive,
		Tags:                []types.Tag{},
		Type:                rules.FargateProviders[parts[0]],
	}, true
}

// CreateCapacityProvider creates a capacity provider for an Auto Scaling group.
func (a *API) CreateCapacityProvider(ctx context.Context, in *ecs.CreateCapacityProviderInput, _ ...func(*ecs.Options)) (*ecs.CreateCapacityProviderOutput, error) {
	if err := checkNewProvider(in); err != nil {
		return nil, err
	}
	out := &ecs.CreateCapacityProviderOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		group := *in.AutoScalingGroupProvider
		for _, p := range a.providers {
			switch {
			case *p.api.Name == *in.Name:
				return fault.Client("The specified capacity provider already exists. To change the configuration of an existing capacity provider, update the capacity provider.")
			case *p.api.AutoScalingGroupProvider.AutoScalingGroupArn == *group.AutoScalingGroupArn:
				return fault.Client("The specified Auto Scaling group ARN is already being used by another capacity provider. Specify a unique Auto Scaling group ARN and try again.")
			}
		}
		group, err := groupDefaults(group, types.AutoScalingGroupProvider{})
		if err != nil {
			return err
		}
		p := &provider{types.CapacityProvider{
			AutoScalingGroupProvider: &group,
			CapacityProviderArn:      aws.String(a.arn("capacity-provider", *in.Name)),
			Name:                     in.Name,
			Status:                   types.CapacityProviderStatusActive,
			Tags:                     optional.List(in.Tags),
			Type:                     types.CapacityProviderTypeEc2Autoscaling,
			UpdateStatus:             types.CapacityProviderUpdateStatusCreateComplete,
		}}
		put(tx, a.providers, *in.Name, p)
		p.save(tx)
		shown := p.api
		out.CapacityProvider = &shown
		return nil
	}))
}

func checkNewProvider(in *ecs.CreateCapacityProviderInput) error {
	name := strings.ToLower(aws.ToString(in.Name))
	reserved := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case !rules.ValidName(name):
		return fault.InvalidParameter("The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters (upper and lowercase), numbers, underscores, and hyphens. Specify a valid name and try again.")
	case slices.ContainsFunc([]string{"aws", "ecs", "fargate"}, reserved):
		return fault.InvalidParameter("The specified capacity provider name is invalid. The name cannot be prefixed with aws, ecs, or fargate. Specify a valid name and try again.")
	case in.ManagedInstancesProvider != nil:
		return fault.NotServed("managedInstancesProvider")
	case in.AutoScalingGroupProvider == nil:
		return fault.InvalidParameter("An Auto Scaling group provider must be specified.")
	case aws.ToString(in.AutoScalingGroupProvider.AutoScalingGroupArn) == "":
		return fault.InvalidParameter("The Auto Scaling group ARN must be specified.")
	}
	if group, err := arn.Parse(*in.AutoScalingGroupProvider.AutoScalingGroupArn); err != nil || group.Service != "autoscaling" {
		return fault.Client("The specified Auto Scaling group ARN is not valid. Specify a valid ARN and try again.")
	}
	return checkTags(in.Tags)
}

// groupDefaults fills in the Auto Scaling group of a capacity provider: what a
// change leaves out keeps its value, and what nobody has said is AWS's default.
func groupDefaults(in, old types.AutoScalingGroupProvider) (types.AutoScalingGroupProvider, error) {
	scaling := types.ManagedScaling{
		Status:                 types.ManagedScalingStatusDisabled,
		TargetCapacity:         aws.Int32(100),
		MinimumScalingStepSize: aws.Int32(1),
		MaximumScalingStepSize: aws.Int32(10000),
		InstanceWarmupPeriod:   aws.Int32(300),
	}
	for _, s := range []*types.ManagedScaling{old.ManagedScaling, in.ManagedScaling} {
		if s == nil {
			continue
		}
		scaling.Status = cmp.Or(s.Status, scaling.Status)
		scaling.TargetCapacity = cmp.Or(s.TargetCapacity, scaling.TargetCapacity)
		scaling.MinimumScalingStepSize = cmp.Or(s.MinimumScalingStepSize, scaling.MinimumScalingStepSize)
		scaling.MaximumScalingStepSize = cmp.Or(s.MaximumScalingStepSize, scaling.MaximumScalingStepSize)
		scaling.InstanceWarmupPeriod = cmp.Or(s.InstanceWarmupPeriod, scaling.InstanceWarmupPeriod)
	}
	group := types.AutoScalingGroupProvider{
		AutoScalingGroupArn:          in.AutoScalingGroupArn,
		ManagedDraining:              cmp.Or(in.ManagedDraining, old.ManagedDraining, types.ManagedDrainingEnabled),
		ManagedScaling:               &scaling,
		ManagedTerminationProtection: cmp.Or(in.ManagedTerminationProtection, old.ManagedTerminationProtection, types.ManagedTerminationProtectionDisabled),
	}
	if group.AutoScalingGroupArn == nil {
		group.AutoScalingGroupArn = old.AutoScalingGroupArn
	}
	return group, checkManagedScaling(scaling)
}

func checkManagedScaling(s types.ManagedScaling) error {
	switch {
	case *s.TargetCapacity < 1 || *s.TargetCapacity > 100:
		return fault.InvalidParameter("The target capacity of managed scaling must be between 1 and 100.")
	case *s.MinimumScalingStepSize < 1 || *s.MinimumScalingStepSize > 10000, *s.MaximumScalingStepSize < 1 || *s.MaximumScalingStepSize > 10000:
		return fault.InvalidParameter("The scaling step sizes of managed scaling must be between 1 and 10000.")
	case *s.MinimumScalingStepSize > *s.MaximumScalingStepSize:
		return fault.InvalidParameter("The minimum or maximum scaling step size value is invalid. Specify a minimum scaling step size value that is less than or equal to the maximum scaling step size value and try again.")
	case *s.InstanceWarmupPeriod < 0 || *s.InstanceWarmupPeriod > 10000:
		return fault.InvalidParameter("The instance warmup period of managed scaling must be between 0 and 10000.")
	}
	return nil
}

// UpdateCapacityProvider changes how the Auto Scaling group of a capacity
// provider is to be scaled.
func (a *API) UpdateCapacityProvider(ctx context.Context, in *ecs.UpdateCapacityProviderInput, _ ...func(*ecs.Options)) (*ecs.UpdateCapacityProviderOutput, error) {
	if in.ManagedInstancesProvider != nil {
		return nil, fault.NotServed("managedInstancesProvider")
	}
	if in.AutoScalingGroupProvider == nil {
		return nil, fault.InvalidParameter("An Auto Scaling group provider must be specified.")
	}
	out := &ecs.UpdateCapacityProviderOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		p, err := a.userProvider(in.Name)
		if err != nil {
			return err
		}
		group, err := groupDefaults(types.AutoScalingGroupProvider{
			ManagedDraining:              in.AutoScalingGroupProvider.ManagedDraining,
			ManagedScaling:               in.AutoScalingGroupProvider.ManagedScaling,
			ManagedTerminationProtection: in.AutoScalingGroupProvider.ManagedTerminationProtection,
		}, *p.api.AutoScalingGroupProvider)
		if err != nil {
			return err
		}
		keep(tx, p)
		p.api.AutoScalingGroupProvider = &group
		p.api.UpdateStatus = types.CapacityProviderUpdateStatusUpdateComplete
		p.api.UpdateStatusReason = nil
		p.save(tx)
		shown := p.api
		out.CapacityProvider = &shown
		return nil
	}))
}

// userProvider returns a capacity provider that may be changed and deleted.
func (a *API) userProvider(ref *string) (*provider, error) {
	if _, ok := a.fargateProvider(aws.ToString(ref)); ok {
		return nil, fault.InvalidParameter("The specified capacity provider is reserved and cannot be changed or deleted.")
	}
	p, ok := a.findProvider(aws.ToString(ref))
	if !ok {
		return nil, fault.InvalidParameter("The specified capacity provider was not found. Specify a valid name or ARN and try again.")
	}
	return p, nil
}

// DeleteCapacityProvider deletes a capacity provider. Of one that a cluster has,
// the answer tells that the deletion failed; as on AWS that is no error.
func (a *API) DeleteCapacityProvider(ctx context.Context, in *ecs.DeleteCapacityProviderInput, _ ...func(*ecs.Options)) (*ecs.DeleteCapacityProviderOutput, error) {
	out := &ecs.DeleteCapacityProviderOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		p, err := a.userProvider(in.CapacityProvider)
		if err != nil {
			return err
		}
		name := *p.api.Name
		if c, ok := a.clusterWith(name); ok {
			keep(tx, p)
			p.api.UpdateStatus = types.CapacityProviderUpdateStatusDeleteFailed
			p.api.UpdateStatusReason = aws.String("The capacity provider cannot be deleted because it is associated with cluster: " + c.name + ". Remove the capacity provider from the cluster and try again.")
			p.save(tx)
			shown := p.api
			out.CapacityProvider = &shown
			return nil
		}
		drop(tx, a.providers, name)
		tx.Delete(kindProvider, name)
		shown := p.api
		shown.Status = types.CapacityProviderStatusInactive
		shown.UpdateStatus = types.CapacityProviderUpdateStatusDeleteComplete
		shown.UpdateStatusReason = nil
		out.CapacityProvider = &shown
		return nil
	}))
}

// clusterWith returns an active cluster that has a capacity provider.
func (a *API) clusterWith(provider string) (*cluster, bool) {
	for _, name := range slices.Sorted(maps.Keys(a.clusters)) {
		if c := a.clusters[name]; !c.inactive() && slices.Contains(c.api.CapacityProviders, provider) {
			return c, true
		}
	}
	return nil, false
}

// DescribeCapacityProviders describes the named capacity providers, those of a
// cluster, or all.
func (a *API) DescribeCapacityProviders(ctx context.Context, in *ecs.DescribeCapacityProvidersInput, _ ...func(*ecs.Options)) (*ecs.DescribeCapacityProvidersOutput, error) {
	if len(in.CapacityProviders) > 100 {
		return nil, fault.InvalidParameter("Capacity providers can have at most 100 items.")
	}
	out := &ecs.DescribeCapacityProvidersOutput{CapacityProviders: []types.CapacityProvider{}, Failures: []types.Failure{}}
	return read(ctx, a, func() (*ecs.DescribeCapacityProvidersOutput, error) {
		refs := in.CapacityProviders
		if len(refs) == 0 {
			names, err := a.providerNames(in.Cluster)
			if err != nil {
				return nil, err
			}
			if refs, out.NextToken, err = pageOf(names, in.NextToken, cmp.Or(in.MaxResults, aws.Int32(10)), 100); err != nil {
				return nil, err
			}
		}
		for _, ref := range refs {
			if builtin, ok := a.fargateProvider(ref); ok {
				out.CapacityProviders = append(out.CapacityProviders, builtin)
			} else if p, ok := a.findProvider(ref); ok {
				out.CapacityProviders = append(out.CapacityProviders, p.describe(in.Include))
			} else {
				out.Failures = append(out.Failures, missing(a.reference("capacity-provider", ref)))
			}
		}
		return out, nil
	})
}

// providerNames are the capacity providers of a cluster, or all of the account,
// in order.
func (a *API) providerNames(cluster *string) ([]string, error) {
	if cluster == nil {
		names := append(slices.Sorted(maps.Keys(rules.FargateProviders)), slices.Sorted(maps.Keys(a.providers))...)
		slices.Sort(names)
		return names, nil
	}
	c, err := a.activeCluster(cluster)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(slices.Values(c.api.CapacityProviders)), nil
}

// PutClusterCapacityProviders sets the capacity providers of a cluster and its
// default strategy.
func (a *API) PutClusterCapacityProviders(ctx context.Context, in *ecs.PutClusterCapacityProvidersInput, _ ...func(*ecs.Options)) (*ecs.PutClusterCapacityProvidersOutput, error) {
	out := &ecs.PutClusterCapacityProvidersOutput{}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		if err := a.checkProviders(in.CapacityProviders, in.DefaultCapacityProviderStrategy); err != nil {
			return err
		}
		for _, gone := range c.api.CapacityProviders {
			if !slices.Contains(in.CapacityProviders, gone) && c.usesProvider(gone) {
				return &types.ResourceInUseException{Message: aws.String("The specified capacity provider is in use and cannot be removed.")}
			}
		}
		keep(tx, c)
		c.api.CapacityProviders = optional.List(in.CapacityProviders)
		c.api.DefaultCapacityProviderStrategy = optional.List(in.DefaultCapacityProviderStrategy)
		c.save(tx)
		out.Cluster = a.describeCluster(c, types.ClusterField("").Values())
		return nil
	}))
}

func (c *cluster) usesProvider(name string) bool {
	for _, s := range c.services {
		if s.status() != inactive && namesProvider(s.api.CapacityProviderStrategy, name) {
			return true
		}
	}
	return false
}

func namesProvider(strategy []types.CapacityProviderStrategyItem, name string) bool {
	return slices.ContainsFunc(strategy, func(i types.CapacityProviderStrategyItem) bool {
		return aws.ToString(i.CapacityProvider) == name
	})
}

// maxProviders is how many capacity providers a cluster can have.
const maxProviders = 20

// checkProviders validates the providers of a cluster, which are named, and its
// default strategy.
func (a *API) checkProviders(providers []string, strategy []types.CapacityProviderStrategyItem) error {
	if len(providers) > maxProviders {
		return fault.InvalidParameter("Capacity providers can have at most %d items.", maxProviders)
	}
	for _, p := range providers {
		if rules.FargateProviders[p] == "" && a.providers[p] == nil {
			return fault.InvalidParameter("The specified capacity provider %s was not found. Specify a valid name or ARN and try again.", p)
		}
	}
	return rules.CheckDefaultStrategy(strategy, providers)
}
