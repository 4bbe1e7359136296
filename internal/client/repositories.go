package client

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// Repositories are the operations of Amazon ECR that pages call. As with EC2, the rest of its client
// stays out of the program.
type Repositories struct {
	create   func(context.Context, *ecr.CreateRepositoryInput, ...func(*ecr.Options)) (*ecr.CreateRepositoryOutput, error)
	describe func(context.Context, *ecr.DescribeRepositoriesInput, ...func(*ecr.Options)) (*ecr.DescribeRepositoriesOutput, error)
	images   func(context.Context, *ecr.DescribeImagesInput, ...func(*ecr.Options)) (*ecr.DescribeImagesOutput, error)
}

func newRepositories(cfg aws.Config) Repositories {
	c := ecr.NewFromConfig(cfg)
	return Repositories{c.CreateRepository, c.DescribeRepositories, c.DescribeImages}
}

// CreateRepository is the operation of that name.
func (r Repositories) CreateRepository(ctx context.Context, in *ecr.CreateRepositoryInput, options ...func(*ecr.Options)) (*ecr.CreateRepositoryOutput, error) {
	return r.create(ctx, in, options...)
}

// DescribeRepositories is the operation of that name.
func (r Repositories) DescribeRepositories(ctx context.Context, in *ecr.DescribeRepositoriesInput, options ...func(*ecr.Options)) (*ecr.DescribeRepositoriesOutput, error) {
	return r.describe(ctx, in, options...)
}

// DescribeImages is the operation of that name.
func (r Repositories) DescribeImages(ctx context.Context, in *ecr.DescribeImagesInput, options ...func(*ecr.Options)) (*ecr.DescribeImagesOutput, error) {
	return r.images(ctx, in, options...)
}
