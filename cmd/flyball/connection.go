package main

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/sharedfile"
	"flyball/internal/shellenv"
)

// A connection is where a command finds its server.
type connection struct {
	client.Config
	authority string // file with the certificates to trust
}

func (c *connection) flags(cmd *cobra.Command) {
	endpoint := cmp.Or(os.Getenv(shellenv.Endpoint), os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566")
	cmd.Flags().StringVar(&c.Endpoint, "endpoint", endpoint, "address of the server; FLYBALL_ENDPOINT or AWS_ENDPOINT_URL by default")
	cmd.Flags().StringVar(&c.Region, "region", cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"),
		"region to look at; AWS_REGION by default")
	cmd.Flags().StringVar(&c.Account, "account", "", "account to look at, 12 digits; the server's own by default")
	cmd.Flags().StringVar(&c.authority, "ca", os.Getenv("AWS_CA_BUNDLE"), "PEM file with the authorities to trust of a server that speaks TLS; AWS_CA_BUNDLE by default")
	_ = cmd.RegisterFlagCompletionFunc("region", c.completeRegions)
	completeWords(cmd, "endpoint", "http://127.0.0.1:4566", "aws")
	completeWords(cmd, "account")
	_ = cmd.MarkFlagFilename("ca", "pem")
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.complete() }
}

// complete finds the access key, and refuses an account that is none: a key of its
// form names no account, and the answer would be the server's own account's.
func (c *connection) complete() (err error) {
	if !regionNames.MatchString(c.Region) {
		return fmt.Errorf("--region %q: a region is written like us-east-1", c.Region)
	}
	if c.Credentials, err = sharedfile.Find(os.Getenv); err != nil {
		return err
	}
	if c.Endpoint == "aws" {
		c.Endpoint, c.authority = "", ""
		if c.Credentials.AccessKeyID == "" {
			return fmt.Errorf("%s aws: AWS wants an access key, in AWS_ACCESS_KEY_ID or in the profile of AWS_PROFILE", cmp.Or(c.Flag, "--endpoint"))
		}
	}
	if err := c.CheckEndpoint(); err != nil {
		return fmt.Errorf("%s: %w", cmp.Or(c.Flag, "--endpoint"), err)
	}
	if c.authority != "" {
		if c.HTTP, err = client.Trusting(c.authority); err != nil {
			return fmt.Errorf("--ca: %w", err)
		}
	}
	if c.Account != "" && (len(c.Account) != 12 || strings.Trim(c.Account, "0123456789") != "") {
		return fmt.Errorf("--account %q: an AWS account id has 12 digits", c.Account)
	}
	return nil
}

// regionNames have the form of those of AWS, which is the form that the server takes.
var regionNames = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]{1,2}$`)

func (c *connection) client() *client.Client { return client.New(c.Config) }
