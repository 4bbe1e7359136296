package ecr

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// invalid is the refusal of a parameter.
func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// unmet is the refusal of a parameter with the constraint that it breaks, in the words
// of AWS.
func unmet(parameter, constraint string) error {
	return invalid("Invalid parameter at '%s' failed to satisfy constraint: '%s'", parameter, constraint)
}

func noRepository(name, account string) error {
	return &types.RepositoryNotFoundException{Message: aws.String(fmt.Sprintf(
		"The repository with name '%s' does not exist in the registry with id '%s'", name, account))}
}

func noImage(id types.ImageIdentifier, repository, account string) error {
	return &types.ImageNotFoundException{Message: aws.String(fmt.Sprintf(
		"The image with imageId %s does not exist within the repository with name '%s' in the registry with id '%s'", describe(id), repository, account))}
}

// describe writes an identifier as AWS's messages do.
func describe(id types.ImageIdentifier) string {
	or := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	return fmt.Sprintf("{imageDigest:'%s', imageTag:'%s'}", or(id.ImageDigest), or(id.ImageTag))
}

func limit(format string, args ...any) error {
	return &types.LimitExceededException{Message: aws.String(fmt.Sprintf(format, args...))}
}
