package shellenv

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

var test = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}

// after is an environment after changes.
func after(env map[string]string, c Changes) map[string]string {
	env = maps.Collect(maps.All(env))
	for name, value := range c {
		if delete(env, name); value != nil {
			env[name] = *value
		}
	}
	return env
}

func TestEnterSetsWhatClientsNeed(t *testing.T) {
	for name, c := range map[string]struct {
		target Target
		env    map[string]string
		want   map[string]string // "" is for what is not there
	}{
		"of a shell with nothing set": {
			Target{Endpoint: "http://127.0.0.1:4566", Region: "us-east-1", Key: test}, nil,
			map[string]string{
				"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
				"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "NO_PROXY": "", "AWS_CA_BUNDLE": "", Endpoint: "",
			},
		},
		"and removes what would lead elsewhere": {
			Target{Endpoint: "http://127.0.0.1:4566", Region: "us-east-1", Key: test},
			map[string]string{"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "x", "AWS_ENDPOINT_URL_ECS": "http://other", "AWS_ENDPOINT_URL_S3": "http://s3"},
			map[string]string{"AWS_PROFILE": "", "AWS_SESSION_TOKEN": "", "AWS_ENDPOINT_URL_ECS": "", "AWS_ENDPOINT_URL_S3": "http://s3"},
		},
		"a profile in place of a key": {
			Target{Endpoint: "https://f", Region: "r", File: "/admin.ini", Profile: "admin", Authority: "/ca.pem"},
			map[string]string{"AWS_ACCESS_KEY_ID": "AKIA"},
			map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "admin", "AWS_SHARED_CREDENTIALS_FILE": "/admin.ini", "AWS_CA_BUNDLE": "/ca.pem"},
		},
		"some services only": {
			Target{Endpoint: "http://f", Region: "r", Key: test, Services: []string{"ecs", "logs"}},
			map[string]string{"AWS_ENDPOINT_URL": "http://other"},
			map[string]string{"AWS_ENDPOINT_URL": "http://other", "AWS_ENDPOINT_URL_ECS": "http://f", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "http://f", Endpoint: "http://f"},
		},
		"no proxy on the way": {
			Target{Endpoint: "http://127.0.0.1:4566", Region: "r", Key: test},
			map[string]string{"http_proxy": "http://proxy", "no_proxy": "corp"},
			map[string]string{"no_proxy": "corp,127.0.0.1", "NO_PROXY": "127.0.0.1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(name string) string { return c.env[name] }
			changes, err := Enter(c.target, getenv)
			if err != nil {
				t.Fatal(err)
			}
			got := after(c.env, changes)
			for name, want := range c.want {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
		})
	}
}

func TestLeaveBringsBackWhatWasThere(t *testing.T) {
	before := map[string]string{"AWS_PROFILE": "it's mine", "AWS_REGION": "eu-west-1", "HOME": "/root"}
	env := maps.Clone(before)
	for _, target := range []Target{
		{Endpoint: "http://a", Region: "us-east-1", Key: test},
		{Endpoint: "https://b", Region: "us-east-1", File: "/f", Authority: "/ca.pem"}, // a second time, with more
	} {
		changes, err := Enter(target, func(name string) string { return env[name] })
		if err != nil {
			t.Fatal(err)
		}
		env = after(env, changes)
	}
	changes, err := Leave(func(name string) string { return env[name] })
	if got := after(env, changes); err != nil || !maps.Equal(got, before) {
		t.Errorf("%v, %v; want %v", got, err, before)
	}
	if changes, err := Leave(func(string) string { return "" }); len(changes) != 0 || err != nil {
		t.Errorf("a shell without it changes %v, %v", changes, err)
	}
}

func TestAServiceThatIsNotHereIsRefused(t *testing.T) {
	_, err := Enter(Target{Endpoint: "http://f", Services: []string{"s3"}}, func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), `"s3" is no service`) || !strings.Contains(err.Error(), "application-autoscaling") {
		t.Error(err)
	}
}

// Each shell reads its script, and its function has version 1 of the CLI's sqs call the server.
func TestShellsReadTheirScripts(t *testing.T) {
	for _, c := range []struct{ program, shell string }{{"bash", "sh"}, {"zsh", "sh"}, {"dash", "sh"}, {"fish", "fish"}} {
		t.Run(c.program, func(t *testing.T) {
			program, err := exec.LookPath(c.program)
			if err != nil {
				t.Skipf("%s is not there", c.program)
			}
			all := Shells()
			shell := all[slices.IndexFunc(all, func(s Shell) bool { return s.Name == c.shell })]
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "aws"), []byte("#!/bin/sh\nprintf '%s ' \"$@\"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			url, odd := "http://127.0.0.1:4566", `it's "odd" \ $HOME`
			script := shell.Script(Changes{"AWS_ENDPOINT_URL": &url, "ODD": &odd, "AWS_PROFILE": nil}, true) +
				"aws sqs list-queues\naws ecs list-clusters\naws --region r sqs x\nprintenv ODD\nprintenv AWS_PROFILE || true\n" +
				shell.Script(nil, false) + "aws sqs again\n"
			cmd := exec.Command(program)
			cmd.Stdin = strings.NewReader(script)
			cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir, "AWS_PROFILE=work"}
			out, err := cmd.CombinedOutput()
			want := "--endpoint-url=" + url + " sqs list-queues ecs list-clusters --endpoint-url=" + url + " --region r sqs x " + odd + "\nsqs again "
			if err != nil || string(out) != want {
				t.Errorf("%v\n%s\nwant\n%s\nof\n%s", err, out, want, script)
			}
		})
	}
}
