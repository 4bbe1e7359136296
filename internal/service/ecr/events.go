package ecr

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/state"
)

// EventImage is the type of the events that tell of images. Their detail is an ImageAction.
const EventImage = "ECR Image Action"

// An ImageAction is what was done to an image ("Amazon ECR events and EventBridge").
type ImageAction struct {
	Result     string `json:"result"`
	Repository string `json:"repository-name"`
	Digest     string `json:"image-digest"`
	Action     string `json:"action-type"` // PUSH or DELETE
	Tag        string `json:"image-tag,omitempty"`
}

// announce tells of what was done to an image.
func (s *service) announce(tx *state.Tx, repository, action string, id types.ImageIdentifier) {
	s.Cell.Announce(tx, "aws.ecr", EventImage, s.arn(repository), ImageAction{
		Result: "SUCCESS", Repository: repository, Digest: aws.ToString(id.ImageDigest), Action: action, Tag: aws.ToString(id.ImageTag),
	})
}
