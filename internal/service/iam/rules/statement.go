package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/internal/service/iam/fault"
)

// checkLegacy refuses what the older of IAM's two parsers does not read.
func (s statement) checkLegacy() error {
	if s.effect != "Allow" && s.effect != "Deny" {
		return errLegacy
	}
	for op, keys := range s.conditions {
		if !strings.HasPrefix(op, "Date") {
			continue
		}
		for _, values := range keys {
			if slices.ContainsFunc(values, func(v string) bool { return !isDate(v) }) {
				return errLegacy
			}
		}
	}
	for _, r := range s.resources {
		if brokenARN(r) {
			return errLegacy
		}
	}
	return nil
}

// isDate tells whether a value is a time in ISO 8601, in seconds, or a variable.
func isDate(v string) bool {
	if strings.Contains(v, "${") {
		return true
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
		return true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02"} {
		if _, err := time.Parse(layout, strings.ToUpper(v)); err == nil {
			return true
		}
	}
	return false
}

// brokenARN tells whether a text that begins as an ARN ends before the resource, or
// names no service.
func brokenARN(r string) bool {
	part := strings.SplitN(r, ":", 6)
	if part[0] != "arn" || len(part) < 3 {
		return false
	}
	return part[2] == "" || len(part) < 6 && strings.Contains(r, "::")
}

// iamPaths are what the resources of IAM begin with.
var iamPaths = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/", "sms-mfa/",
	"saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// checkResource refuses the name of a resource that can be none. What is left out
// at the end of an ARN stands for anything.
func checkResource(r string) error {
	if r == "*" {
		return nil
	}
	if !strings.Contains(r, ":") {
		return fault.MalformedPolicy(`Resource %s must be in ARN format or "*".`, r)
	}
	part := strings.SplitN(r, ":", 6)
	for part[0] = "arn"; len(part) < 6; {
		part = append(part, "*")
	}
	partition, vendor, region, account, resource := part[1], part[2], part[3], part[4], part[5]
	switch {
	case !slices.Contains([]string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "*"}, partition) && !strings.Contains(partition, "${"):
		return fault.MalformedPolicy(`Partition "%s" is not valid for resource "%s".`, partition, strings.Join(part, ":"))
	case strings.ContainsAny(vendor, "*?"):
		return fault.MalformedPolicy("Resource vendor must be fully qualified and cannot contain regexes.")
	case vendor == "iam" && region != "" && region != "*":
		return fault.MalformedPolicy("IAM resource %s cannot contain region information.", r)
	case vendor == "s3" && region != "" && region != "*" && account == "":
		return fault.MalformedPolicy("Resource %s can not contain region information.", r)
	case vendor == "iam" && !iamResource(resource):
		return fault.MalformedPolicy(`IAM resource path must either be "*" or start with %s.`, strings.Join(iamPaths, ", "))
	}
	return nil
}

func iamResource(resource string) bool {
	return strings.ContainsAny(resource, "*?$") || resource == "root" ||
		slices.ContainsFunc(iamPaths, func(p string) bool { return strings.HasPrefix(resource, p) })
}

var vendorName = regexp.MustCompile(`^[a-zA-Z0-9\-.]+$`)

// checkActions refuses a statement without actions, and what can be none.
func (s statement) checkActions() error {
	if len(s.actions) == 0 {
		return fault.MalformedPolicy("Policy statement must contain actions.")
	}
	for _, action := range s.actions {
		vendor, name, ok := strings.Cut(action, ":")
		switch {
		case action == "*":
		case !ok || vendor == "":
			return fault.MalformedPolicy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		case strings.Contains(name, ":"):
			return fault.MalformedPolicy("Actions/Condition can contain only one colon.")
		case !vendorName.MatchString(vendor):
			return fault.MalformedPolicy("Vendor %s is not valid", vendor)
		}
	}
	return nil
}
