// Package shellenv says what a shell has to set so that the AWS CLI, the SDKs and Terraform
// call a server, and how it gets back to what it had.
package shellenv

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Target is the server that clients are to call, and as whom.
type Target struct {
	Endpoint  string // such as http://127.0.0.1:4566
	Region    string
	Authority string // file with the certificates to trust; "" leaves that to the clients
	// Services, as the AWS CLI names them, are the only ones to be called there. Where there
	// are none, all are.
	Services []string
	Key      aws.Credentials
	// File and Profile say where the access key is, in place of Key.
	File, Profile string
}

// before is the variable that keeps what a shell had.
const before = "FLYBALL_ENV_BEFORE"

// Endpoint is the variable that leads our own commands where AWS_ENDPOINT_URL leads elsewhere.
const Endpoint = "FLYBALL_ENDPOINT"

// disturbing are variables that have clients call somewhere else, or as somebody else, whatever
// else is set.
var disturbing = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
	Endpoint,
}

// endpoints are the variables for the endpoint of one service, by the CLI's name for it
// ("Service-specific endpoints" in the AWS SDKs and Tools Reference Guide).
var endpoints = map[string]string{
	"application-autoscaling": "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING",
	"cloudwatch":              "AWS_ENDPOINT_URL_CLOUDWATCH",
	"ec2":                     "AWS_ENDPOINT_URL_EC2",
	"ecr":                     "AWS_ENDPOINT_URL_ECR",
	"ecs":                     "AWS_ENDPOINT_URL_ECS",
	"elbv2":                   "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2",
	"events":                  "AWS_ENDPOINT_URL_EVENTBRIDGE",
	"iam":                     "AWS_ENDPOINT_URL_IAM",
	"lambda":                  "AWS_ENDPOINT_URL_LAMBDA",
	"logs":                    "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
	"scheduler":               "AWS_ENDPOINT_URL_SCHEDULER",
	"sqs":                     "AWS_ENDPOINT_URL_SQS",
	"sts":                     "AWS_ENDPOINT_URL_STS",
}

// Services are the services that have an endpoint here, as the AWS CLI names them.
func Services() []string { return slices.Sorted(maps.Keys(endpoints)) }

// Changes are the variables to set, and, without a value, those to remove.
type Changes map[string]*string

// Enter returns what leads to a target from an environment.
func Enter(t Target, getenv func(string) string) (Changes, error) {
	c := Changes{}
	for _, name := range slices.Concat(disturbing, slices.Collect(maps.Values(endpoints))) {
		if getenv(name) != "" {
			c[name] = nil
		}
	}
	if err := c.lead(t); err != nil {
		return nil, err
	}
	c.set("AWS_REGION", t.Region)
	c.set("AWS_DEFAULT_REGION", t.Region) // boto3 and version 1 of the CLI read no other
	c.set("AWS_PAGER", "")                // version 2 would show each answer in a pager
	if t.Authority != "" {
		c.set("AWS_CA_BUNDLE", t.Authority)
	}
	c.sign(t)
	c.pass(t.Endpoint, getenv)
	return c, c.remember(getenv)
}

func (c Changes) set(name, value string) { c[name] = &value }

// lead sets the endpoints.
func (c Changes) lead(t Target) error {
	if len(t.Services) == 0 {
		c.set("AWS_ENDPOINT_URL", t.Endpoint)
		return nil
	}
	c.set(Endpoint, t.Endpoint)
	for _, service := range t.Services {
		name, ok := endpoints[service]
		if !ok {
			return fmt.Errorf("%q is no service of this server; give some of %s", service, strings.Join(Services(), ", "))
		}
		c.set(name, t.Endpoint)
	}
	return nil
}

// sign sets the access key, or the profile that has it.
func (c Changes) sign(t Target) {
	if t.File != "" || t.Profile != "" {
		c.setIf("AWS_SHARED_CREDENTIALS_FILE", t.File)
		c.setIf("AWS_PROFILE", t.Profile)
		return
	}
	c.set("AWS_ACCESS_KEY_ID", t.Key.AccessKeyID)
	c.set("AWS_SECRET_ACCESS_KEY", t.Key.SecretAccessKey)
	c.setIf("AWS_SESSION_TOKEN", t.Key.SessionToken)
}

func (c Changes) setIf(name, value string) {
	if value != "" {
		c.set(name, value)
	}
}

// pass has clients that use a proxy call the server without it.
func (c Changes) pass(endpoint string, getenv func(string) string) {
	u, err := url.Parse(endpoint)
	if err != nil || getenv("HTTP_PROXY")+getenv("http_proxy")+getenv("HTTPS_PROXY")+getenv("https_proxy") == "" {
		return
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		hosts := strings.Split(getenv(name), ",")
		if !slices.Contains(hosts, u.Hostname()) {
			c.set(name, strings.TrimPrefix(strings.Join(append(hosts, u.Hostname()), ","), ","))
		}
	}
}

// remember keeps what the environment has of all that changes. What an earlier Enter has kept
// stays.
func (c Changes) remember(getenv func(string) string) error {
	had, err := remembered(getenv)
	if err != nil {
		return err
	}
	for name := range c {
		if _, known := had[name]; known {
			continue
		}
		had[name] = nil
		if value := getenv(name); value != "" {
			had.set(name, value)
		}
	}
	text, err := json.Marshal(had)
	c.set(before, string(text))
	return err
}

func remembered(getenv func(string) string) (Changes, error) {
	had := Changes{}
	text := getenv(before)
	if text == "" {
		return had, nil
	}
	if err := json.Unmarshal([]byte(text), &had); err != nil {
		return nil, fmt.Errorf("%s is not as flyball env has set it: %w; remove it, and set by hand what is to be set", before, err)
	}
	return had, nil
}

// Leave returns what leads back to what an environment had before Enter. It is nothing where
// there was no Enter.
func Leave(getenv func(string) string) (Changes, error) {
	c, err := remembered(getenv)
	if len(c) > 0 {
		c[before] = nil
	}
	return c, err
}
