// Package ecr is Amazon Elastic Container Registry of one region of an account:
// repositories, their images and layers, and what AWS lets one set of them.
//
//	a, err := ecr.New(ecr.Config{Cell: c, Content: store, ...})
//	go a.Run(ctx) // forgets layers that no image needs
//
// What is said of images are rows; layers and manifests are content in a
// registry.Store, which keeps each once for all. Package registry serves the protocol
// of docker push and docker pull with the operations of an API.
package ecr

import (
	"context"
	"errors"

	"flyball/internal/cell"
	"flyball/internal/registry"
	"flyball/internal/state"
)

// Config is what the service needs of its surroundings. All of it must be set.
type Config struct {
	Cell *cell.Cell
	// Content has the layers and manifests of all cells.
	Content *registry.Store
	// Addressing says how repositories are addressed, and Endpoint is the URL of the
	// registry.
	Addressing func() registry.Addressing
	Endpoint   func() string
	// Password makes the password of a grant.
	Password func(registry.Grant) string
}

// An API serves the operations of Amazon ECR in a cell. Its methods may be called
// concurrently.
type API struct {
	*service
	key string // the caller's access key
}

// A service is what all callers share.
type service struct {
	Config
	repositories *state.Table[repository] // by name
	images       *state.Table[image]      // by NAME@DIGEST
	tags         *state.Table[imageTag]   // by NAME:TAG
	layers       *state.Table[layer]      // by NAME@DIGEST
	settings     *state.Table[settings]   // one row
	templates    *state.Table[template]   // by prefix
	usage        usage
}

// New returns the service with what the cell remembers.
func New(c Config) (*API, error) {
	s := &service{Config: c}
	st := c.Cell.State
	var failed [6]error
	s.repositories, failed[0] = state.NewTable[repository](st, kindRepository)
	s.images, failed[1] = state.NewTable[image](st, kindImage)
	s.tags, failed[2] = state.NewTable[imageTag](st, kindTag)
	s.layers, failed[3] = state.NewTable[layer](st, kindLayer)
	s.settings, failed[4] = state.NewTable[settings](st, kindSettings)
	s.templates, failed[5] = state.NewTable[template](st, kindTemplate)
	if err := errors.Join(failed[:]...); err != nil {
		return nil, err
	}
	s.load()
	return &API{service: s}, nil
}

// For is the service as it is for the holder of an access key.
func (a *API) For(accessKey string) *API { return &API{a.service, accessKey} }

// arn names a repository.
func (s *service) arn(name string) string { return s.Cell.ARN("ecr", "repository/"+name) }

// place is where a repository is.
func (s *service) place(name string) registry.Place {
	return registry.Place{Account: s.Cell.Account, Region: s.Cell.Region, Repository: name}
}

// view reads rows.
func (s *service) view(ctx context.Context, f func() error) (err error) {
	s.Cell.State.View(ctx, func() { err = f() })
	return err
}

// change changes rows.
func (s *service) change(ctx context.Context, f func(*state.Tx) error) error {
	return s.Cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error { return f(tx) })
}
