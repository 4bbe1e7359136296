package ec2

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
)

// A prefixList is the blocks of a service of AWS's. Which these are in a region is
// AWS's to know: here they are blocks for documentation.
type prefixList struct {
	ID, Name string
	CIDRs    []string
}

// prefixLists are those of the region, by their ids.
func (a *API) prefixLists() []prefixList {
	all := []prefixList{
		{Name: "com.amazonaws." + a.cell.Region + ".dynamodb", CIDRs: []string{"192.0.2.0/25"}},
		{Name: "com.amazonaws." + a.cell.Region + ".s3", CIDRs: []string{"192.0.2.128/25"}},
	}
	for i := range all {
		all[i].ID = a.fixed("pl-", all[i].Name)
	}
	slices.SortFunc(all, func(x, y prefixList) int { return strings.Compare(x.ID, y.ID) })
	return all
}

func (a *API) hasPrefixList(id string) bool {
	return slices.ContainsFunc(a.prefixLists(), func(l prefixList) bool { return l.ID == id })
}

func isPrefixList(destination string) bool { return strings.HasPrefix(destination, "pl-") }

func isSix(block string) bool { return strings.Contains(block, ":") }

// askPrefixLists answers a question with prefix lists.
func (a *API) askPrefixLists(q question) ([]prefixList, *string, error) {
	if aws.ToBool(q.dryRun) {
		return nil, nil, fault.DryRun()
	}
	for _, id := range q.ids {
		if !a.hasPrefixList(id) {
			return nil, nil, fault.New("InvalidPrefixListId.NotFound", "The prefix list ID '%s' does not exist", id)
		}
	}
	passes, err := rules.Tags(rules.Fields[prefixList]{
		"owner-id":         func(prefixList) []string { return []string{"AWS"} },
		"prefix-list-id":   func(l prefixList) []string { return []string{l.ID} },
		"prefix-list-name": func(l prefixList) []string { return []string{l.Name} },
	}, func(prefixList) map[string]string { return nil }).Match(q.filters)
	if err != nil {
		return nil, nil, err
	}
	all := slices.DeleteFunc(a.prefixLists(), func(l prefixList) bool {
		return !passes(l) || len(q.ids) > 0 && !slices.Contains(q.ids, l.ID)
	})
	return paged(all, func(l prefixList) string { return l.ID }, q)
}

// DescribePrefixLists lists the blocks of the services that a VPC can reach by itself.
func (a *API) DescribePrefixLists(_ context.Context, in *ec2.DescribePrefixListsInput, _ ...func(*ec2.Options)) (*ec2.DescribePrefixListsOutput, error) {
	found, next, err := a.askPrefixLists(question{in.PrefixListIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribePrefixListsOutput{NextToken: next, PrefixLists: shown(found, func(l prefixList) types.PrefixList {
		return types.PrefixList{PrefixListId: &l.ID, PrefixListName: &l.Name, Cidrs: l.CIDRs}
	})}, nil
}

// DescribeManagedPrefixLists lists the prefix lists of the region, which are AWS's.
func (a *API) DescribeManagedPrefixLists(_ context.Context, in *ec2.DescribeManagedPrefixListsInput, _ ...func(*ec2.Options)) (*ec2.DescribeManagedPrefixListsOutput, error) {
	found, next, err := a.askPrefixLists(question{in.PrefixListIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeManagedPrefixListsOutput{NextToken: next, PrefixLists: shown(found, func(l prefixList) types.ManagedPrefixList {
		return types.ManagedPrefixList{
			PrefixListId: &l.ID, PrefixListName: &l.Name, AddressFamily: aws.String("IPv4"), OwnerId: aws.String("AWS"), State: types.PrefixListStateCreateComplete,
			PrefixListArn: aws.String("arn:" + a.cell.Partition() + ":ec2:" + a.cell.Region + ":aws:prefix-list/" + l.ID), Tags: []types.Tag{},
		}
	})}, nil
}
