// Package sharedfile reads access keys from files in the form of AWS's
// ~/.aws/credentials ("Configuration and credential file settings in the AWS CLI").
package sharedfile

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Default is the profile that is used where none is named. It may stand before all
// sections, too.
const Default = "default"

// ErrNoProfile says that a file has no section for a profile.
var ErrNoProfile = errors.New("there is no such profile")

// Read reads the access key of a profile. What the file does not say is empty.
func Read(name, profile string) (aws.Credentials, error) {
	f, err := os.Open(name)
	if err != nil {
		return aws.Credentials{}, err
	}
	defer f.Close()
	c, err := parse(f, profile)
	if err != nil {
		return c, fmt.Errorf("read profile %s of %s: %w", profile, name, err)
	}
	return c, nil
}

func parse(r io.Reader, profile string) (c aws.Credentials, err error) {
	section, found := Default, profile == Default
	members := map[string]*string{
		"aws_access_key_id": &c.AccessKeyID, "aws_secret_access_key": &c.SecretAccessKey, "aws_session_token": &c.SessionToken,
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSpace(strings.TrimSuffix(name, "]"))
			found = found || section == profile
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if member := members[strings.TrimSpace(key)]; member != nil && section == profile {
			*member = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return c, err
	}
	if !found {
		return c, ErrNoProfile
	}
	return c, nil
}

// Find is the access key of AWS's usual places: the environment, else a profile of
// the shared credentials file. It is empty if there is none: the profile may have its
// key from somewhere else. A file that is named has to be there.
func Find(getenv func(string) string) (aws.Credentials, error) {
	if key := getenv("AWS_ACCESS_KEY_ID"); key != "" {
		return aws.Credentials{AccessKeyID: key, SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN")}, nil
	}
	name := getenv("AWS_SHARED_CREDENTIALS_FILE")
	if name == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return aws.Credentials{}, nil // there is no file without one
		}
		name = filepath.Join(home, ".aws", "credentials")
	}
	c, err := Read(name, cmp.Or(getenv("AWS_PROFILE"), Default))
	unnamed := getenv("AWS_SHARED_CREDENTIALS_FILE") == ""
	if errors.Is(err, ErrNoProfile) || unnamed && errors.Is(err, os.ErrNotExist) {
		return aws.Credentials{}, nil
	}
	return c, err
}
