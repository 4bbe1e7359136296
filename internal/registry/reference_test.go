package registry_test

import (
	"strings"
	"testing"

	"flyball/internal/registry"
)

const sum = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

func TestReferences(t *testing.T) {
	for text, want := range map[string]registry.Reference{
		"127.0.0.1:4566/web":        {Host: "127.0.0.1:4566", Path: "web", Tag: "latest"},
		"127.0.0.1:4566/web:v1":     {Host: "127.0.0.1:4566", Path: "web", Tag: "v1"},
		"localhost/team/web":        {Host: "localhost", Path: "team/web", Tag: "latest"},
		"[::1]:4566/web@" + sum:     {Host: "[::1]:4566", Path: "web", Digest: sum},
		"example.com/web:v1@" + sum: {Host: "example.com", Path: "web", Tag: "v1", Digest: sum},
		"nginx":                     {Path: "nginx", Tag: "latest"},
		"library/nginx:1.27":        {Path: "library/nginx", Tag: "1.27"},
		"123456789012.dkr.ecr.eu-west-2.amazonaws.com/web:v1": {Host: "123456789012.dkr.ecr.eu-west-2.amazonaws.com", Path: "web", Tag: "v1"},
	} {
		if got, ok := registry.ParseReference(text); !ok || got != want {
			t.Errorf("%s: %+v, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "/", "a/", "/a", "a//b", "../a", "a/../b", "A/b", "a:", "a@", "a@sha256:0", "a@" + strings.ToUpper(sum), "a:.b", "h:1/", "a b"} {
		if got, ok := registry.ParseReference(text); ok {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestNamesOfRepositories(t *testing.T) {
	for name, want := range map[string]bool{
		"ab": true, "team/web": true, "a.b_c__d-e--f/g": true, strings.Repeat("a", 256): true,
		"a": false, "": false, "Web": false, "web/": false, "/web": false, "a//b": false, "..": false, "a/../b": false,
		"a___b": false, "-a": false, "a-": false, "a..b": false, "a\x00b": false, "a b": false, strings.Repeat("a", 257): false,
	} {
		if registry.ValidName(name) != want {
			t.Errorf("%.40q is valid: %t", name, !want)
		}
	}
}

func TestTags(t *testing.T) {
	for tag, want := range map[string]bool{
		"v1": true, "_": true, "A.b-c_d": true, strings.Repeat("a", 128): true,
		"": false, ".a": false, "-a": false, "a/b": false, "a b": false, "a\n": false, strings.Repeat("a", 129): false,
	} {
		if registry.ValidTag(tag) != want {
			t.Errorf("%.40q is valid: %t", tag, !want)
		}
	}
}

func TestWhereRepositoriesAre(t *testing.T) {
	a := registry.Addressing{Host: "127.0.0.1:4566", Account: "123456789012", Region: "us-east-1"}
	for want, p := range map[string]registry.Place{
		"127.0.0.1:4566/web": {Account: "123456789012", Region: "us-east-1", Repository: "web"},
		"127.0.0.1:4566/123456789012.dkr.ecr.eu-west-2/team/web": {Account: "123456789012", Region: "eu-west-2", Repository: "team/web"},
		"127.0.0.1:4566/999999999999.dkr.ecr.us-east-1/web":      {Account: "999999999999", Region: "us-east-1", Repository: "web"},
		// One whose own name looks like that of a region.
		"127.0.0.1:4566/123456789012.dkr.ecr.us-east-1/999999999999.dkr.ecr.us-east-1/web": {Account: "123456789012", Region: "us-east-1", Repository: "999999999999.dkr.ecr.us-east-1/web"},
	} {
		if got := a.URI(p); got != want {
			t.Errorf("%+v is at %s, want %s", p, got, want)
		}
		if got := a.Find("127.0.0.1", strings.TrimPrefix(want, a.Host+"/")); got != p {
			t.Errorf("at %s is %+v, want %+v", want, got, p)
		}
	}
	if got, want := a.Find("999999999999.dkr.ecr.cn-north-1.amazonaws.com.cn", "web"), (registry.Place{Account: "999999999999", Region: "cn-north-1", Repository: "web"}); got != want {
		t.Errorf("by its own host: %+v", got)
	}
}

func TestHostsOfAWSsRegistries(t *testing.T) {
	for host, want := range map[string]string{
		"123456789012.dkr.ecr.eu-west-2.amazonaws.com":      "eu-west-2",
		"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com": "us-east-1",
		"123456789012.dkr-ecr.us-east-1.on.aws":             "us-east-1",
		"12345678901.dkr.ecr.eu-west-2.amazonaws.com":       "",
		"123456789012.dkr.ecr.eu-west-2.amazonaws.com.evil": "",
		"x.123456789012.dkr.ecr.eu-west-2.amazonaws.com":    "",
		"ec2-1-2-3-4.compute.amazonaws.com":                 "",
	} {
		account, region, ok := registry.ParseHost(host)
		if region != want || ok != (want != "") || ok && account != "123456789012" {
			t.Errorf("%s: %s, %s, %t", host, account, region, ok)
		}
	}
}
