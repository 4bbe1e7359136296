package ecs

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestAttributesHaveUpTo128Characters(t *testing.T) {
	long, longer := strings.Repeat("a", 128), strings.Repeat("a", 129)
	for _, test := range []struct {
		name, value string
		valid       bool
	}{
		{"stack", "", true}, {"stack", "a b", true}, {"stack", "a ", false}, {"stack", " a", false}, {"", "a", false},
		{long, long, true}, {longer, "a", false}, {"stack", longer, false},
	} {
		err := checkAttributes([]types.Attribute{{Name: aws.String(test.name), Value: aws.String(test.value)}})
		if (err == nil) != test.valid {
			t.Errorf("name %d long, value %d long: %v", len(test.name), len(test.value), err)
		}
	}
}
