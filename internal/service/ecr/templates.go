package ecr

import (
	"context"

	"flyball/internal/state"
)

var kindTemplate = state.Kind{Name: "ecr.template", Version: 1}

// A template says how repositories are made whose names begin with a prefix.
type template struct{}

// CreateOnPush makes a repository that is not there, if a template says so.
func (a *API) CreateOnPush(_ context.Context, repository string) error {
	return noRepository(repository, a.Cell.Account)
}
