package sharedfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const text = `# mine
aws_access_key_id = FIRST

[other]
aws_access_key_id=OTHER
aws_secret_access_key = a/b=
aws_session_token = t
region = eu-west-2

[ default ]
aws_secret_access_key = secret
`

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAProfileIsRead(t *testing.T) {
	name := write(t, text)
	for profile, want := range map[string]aws.Credentials{
		"default": {AccessKeyID: "FIRST", SecretAccessKey: "secret"},
		"other":   {AccessKeyID: "OTHER", SecretAccessKey: "a/b=", SessionToken: "t"},
	} {
		if got, err := Read(name, profile); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", profile, got, err)
		}
	}
	if _, err := Read(name, "third"); !errors.Is(err, ErrNoProfile) {
		t.Errorf("a profile that is not there: %v", err)
	}
	if _, err := Read(name+"x", "default"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestTheEnvironmentGoesBeforeTheFile(t *testing.T) {
	name := write(t, text)
	t.Setenv("HOME", t.TempDir())
	for what, c := range map[string]struct {
		env  map[string]string
		want string
		fail error
	}{
		"nothing":               {nil, "", nil},
		"a key":                 {map[string]string{"AWS_ACCESS_KEY_ID": "ENV", "AWS_SHARED_CREDENTIALS_FILE": name}, "ENV", nil},
		"a file":                {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": name}, "FIRST", nil},
		"a profile":             {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": name, "AWS_PROFILE": "other"}, "OTHER", nil},
		"a file that is not":    {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": name + "x"}, "", os.ErrNotExist},
		"a profile that is not": {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": name, "AWS_PROFILE": "third"}, "", nil},
	} {
		got, err := Find(func(key string) string { return c.env[key] })
		if got.AccessKeyID != c.want || !errors.Is(err, c.fail) {
			t.Errorf("%s: got %+v, %v", what, got, err)
		}
	}
}
