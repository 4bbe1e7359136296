package logs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/uuid"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/logs/fault"
	"flyball/internal/state"
)

// A queryDefinition is a query of Logs Insights that somebody keeps: a row, and its
// document. No query is run here.
type queryDefinition struct {
	ID, Name, Query string
	Language        types.QueryLanguage
	Groups          []string               `json:",omitempty"`
	Parameters      []types.QueryParameter `json:",omitempty"`
	Modified        int64                  // milliseconds since 1970
}

var kindQuery = state.Kind{Name: "logs.query", Version: 1}

// maxQueries is how many definitions a region may have ("CloudWatch Logs quotas").
const maxQueries = 1000

// PutQueryDefinition creates or changes a definition.
func (a *API) PutQueryDefinition(ctx context.Context, in *cloudwatchlogs.PutQueryDefinitionInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutQueryDefinitionOutput, error) {
	row := queryDefinition{
		ID: aws.ToString(in.QueryDefinitionId), Name: *in.Name, Query: *in.QueryString, Language: cmp.Or(in.QueryLanguage, types.QueryLanguageCwli),
		Groups: in.LogGroupNames, Parameters: in.Parameters, Modified: a.now(),
	}
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if row.ID == "" {
			if a.queries.Len() >= maxQueries {
				return fault.LimitExceeded()
			}
			row.ID = uuid.NewString()
		} else if _, exists := a.queries.Get(row.ID); !exists {
			return noQuery()
		}
		a.queries.Put(tx, row.ID, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutQueryDefinitionOutput{QueryDefinitionId: &row.ID}, nil
}

func noQuery() error { return fault.NotFound("The specified query definition does not exist.") }

// DeleteQueryDefinition deletes a definition.
func (a *API) DeleteQueryDefinition(ctx context.Context, in *cloudwatchlogs.DeleteQueryDefinitionInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteQueryDefinitionOutput, error) {
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, exists := a.queries.Get(*in.QueryDefinitionId); !exists {
			return noQuery()
		}
		a.queries.Delete(tx, *in.QueryDefinitionId)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteQueryDefinitionOutput{Success: true}, nil
}

// DescribeQueryDefinitions lists definitions by name, in pages.
func (a *API) DescribeQueryDefinitions(ctx context.Context, in *cloudwatchlogs.DescribeQueryDefinitionsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeQueryDefinitionsOutput, error) {
	var rows []queryDefinition
	a.cell.State.View(ctx, func() { rows = a.queries.Rows("") })
	rows = slices.DeleteFunc(rows, func(q queryDefinition) bool {
		return !strings.HasPrefix(q.Name, aws.ToString(in.QueryDefinitionNamePrefix)) || in.QueryLanguage != "" && q.Language != in.QueryLanguage
	})
	key := func(q queryDefinition) string { return q.Name + "\x00" + q.ID }
	slices.SortFunc(rows, func(x, y queryDefinition) int { return strings.Compare(key(x), key(y)) })
	rows, next, err := page.Of(rows, key, in.NextToken, int(optional.Or(in.MaxResults, 1000)))
	if err != nil {
		return nil, fault.InvalidToken()
	}
	out := &cloudwatchlogs.DescribeQueryDefinitionsOutput{NextToken: next, QueryDefinitions: []types.QueryDefinition{}}
	for _, q := range rows {
		out.QueryDefinitions = append(out.QueryDefinitions, types.QueryDefinition{
			QueryDefinitionId: &q.ID, Name: &q.Name, QueryString: &q.Query, QueryLanguage: q.Language,
			LogGroupNames: optional.List(q.Groups), Parameters: q.Parameters, LastModified: &q.Modified,
		})
	}
	return out, nil
}
