package rules

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
)

// maxRewrite bounds the expression and the replacement of a rewrite, in characters.
const maxRewrite = 1024

// CheckTransforms checks how a rule changes requests: the URL and the host, each
// once ("Transforms for listener rules").
func CheckTransforms(given []types.RuleTransform) error {
	seen := map[types.TransformTypeEnum]bool{}
	for _, t := range given {
		if seen[t.Type] {
			return fault.Validation("A rule can only have one '%s' transform", t.Type)
		}
		seen[t.Type] = true
		rewrites, config := []types.RewriteConfig(nil), ""
		switch t.Type {
		case types.TransformTypeEnumUrlRewrite:
			if config = "UrlRewriteConfig"; t.UrlRewriteConfig != nil {
				rewrites = t.UrlRewriteConfig.Rewrites
			}
		case types.TransformTypeEnumHostHeaderRewrite:
			if config = "HostHeaderRewriteConfig"; t.HostHeaderRewriteConfig != nil {
				rewrites = t.HostHeaderRewriteConfig.Rewrites
			}
		}
		if len(rewrites) != 1 {
			return fault.Validation("A '%s' with one rewrite must be specified with '%s'", config, t.Type)
		}
		if err := checkRewrite(rewrites[0]); err != nil {
			return err
		}
	}
	return nil
}

func checkRewrite(r types.RewriteConfig) error {
	expression := aws.ToString(r.Regex)
	if len(expression) > maxRewrite || len(aws.ToString(r.Replace)) > maxRewrite {
		return fault.Validation("The rewrite is too long; the limit of Regex and Replace is '%d'", maxRewrite)
	}
	if _, err := regexp.Compile(expression); err != nil || expression == "" {
		return fault.Validation("The regular expression '%s' is not valid", expression)
	}
	return nil
}
