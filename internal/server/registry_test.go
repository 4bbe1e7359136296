package server

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-containerregistry/pkg/authn"
	imagename "github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"flyball/internal/registry"
)

// registryPassword is the password that a client of ECR gets.
func registryPassword(t *testing.T, client *ecr.Client) string {
	t.Helper()
	out, err := client.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(string(token), "AWS:")
}

// createRepository creates one and returns its address.
func createRepository(t *testing.T, client *ecr.Client, repository string) string {
	t.Helper()
	out, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &repository})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Repository.RepositoryUri
}

// pushed is an image that was pushed, or was not.
func pushed(t *testing.T, reference, password string) (v1.Image, error) {
	t.Helper()
	image, err := random.Image(1000, 3)
	if err != nil {
		t.Fatal(err)
	}
	to, err := imagename.ParseReference(reference, imagename.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return image, remote.Write(to, image, remote.WithContext(t.Context()), remote.WithAuth(&authn.Basic{Username: "AWS", Password: password}))
}

// pulled is the digest of an image that can be pulled whole.
func pulled(t *testing.T, reference, user, password string) (digest string, err error) {
	t.Helper()
	from, err := imagename.ParseReference(reference, imagename.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(from, remote.WithContext(t.Context()), remote.WithAuth(&authn.Basic{Username: user, Password: password}))
	if err != nil {
		return "", err
	}
	return readWhole(image)
}

// readWhole reads an image to its end and returns its digest.
func readWhole(image v1.Image) (string, error) {
	layers, err := image.Layers()
	if err != nil {
		return "", err
	}
	for _, l := range layers {
		content, err := l.Uncompressed()
		if err != nil {
			return "", err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return "", err
		}
		content.Close()
	}
	digest, err := image.Digest()
	return digest.String(), err
}

func digestOf(t *testing.T, image v1.Image) string {
	t.Helper()
	d, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func TestAnImageOfEachCellIsPushedAndPulledAndOutlivesTheServer(t *testing.T) {
	dir := t.TempDir()
	url, stop := serving(t, dir)
	images := map[string]v1.Image{} // by what follows the server's address
	for _, region := range []string{"us-east-1", "eu-west-2"} {
		client := ecr.NewFromConfig(configOf(url, region, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}))
		uri := createRepository(t, client, "team/web")
		image, err := pushed(t, uri+":v1", registryPassword(t, client))
		if err != nil {
			t.Fatal(err)
		}
		_, path, _ := strings.Cut(uri, "/")
		images[path] = image
	}
	if images["team/web"] == nil || images[testAccount+".dkr.ecr.eu-west-2/team/web"] == nil {
		t.Fatalf("they are at %v", images)
	}
	stop()
	s := open(t, dir)
	defer running(t, s)()
	client := ecr.NewFromConfig(configOf(s.URL(), "eu-west-2", aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}))
	host, password := strings.TrimPrefix(s.URL(), "http://"), registryPassword(t, client)
	for path, image := range images {
		if got, err := pulled(t, host+"/"+path+":v1", "AWS", password); err != nil || got != digestOf(t, image) {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
}

func TestThePoliciesOfAUserAndOfARepositoryDecideWhoPushes(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	key := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	admin := ecr.NewFromConfig(configOf(url, "us-east-1", key))
	uri := createRepository(t, admin, "web")
	if _, err := pushed(t, uri+":v1", registryPassword(t, admin)); err != nil {
		t.Fatal(err)
	}
	bob := createUser(t, url, "bob", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
		{"Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": "arn:aws:ecr:us-east-1:`+testAccount+`:repository/web"}]}`)
	password := registryPassword(t, ecr.NewFromConfig(configOf(url, "us-east-1", bob.key)))
	if _, err := pulled(t, uri+":v1", "AWS", password); err != nil {
		t.Errorf("what the user's policy allows: %v", err)
	}
	_, err := pushed(t, uri+":v2", password)
	if err == nil || !strings.Contains(err.Error(), "403 Forbidden") {
		t.Errorf("what it does not: %v", err)
	}
	set := func(effect, action string) {
		t.Helper()
		text := `{"Version": "2012-10-17", "Statement": {"Effect": "` + effect + `", "Principal": {"AWS": "arn:aws:iam::` + testAccount + `:user/bob"}, "Action": "` + action + `"}}`
		if _, err := admin.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("web"), PolicyText: &text}); err != nil {
			t.Fatal(err)
		}
	}
	set("Allow", "ecr:*")
	if _, err := pushed(t, uri+":v2", password); err != nil {
		t.Errorf("what the repository's policy allows: %v", err)
	}
	set("Deny", "ecr:BatchGetImage")
	if _, err := pulled(t, uri+":v1", "AWS", password); err == nil || !strings.Contains(err.Error(), "explicit deny in a resource-based policy") {
		t.Errorf("what it denies: %v", err)
	}
	_, err = callerOf(url, "us-east-1", "test").iam.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: &bob.key.AccessKeyID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pulled(t, uri+":v1", "AWS", password); err == nil || !strings.Contains(err.Error(), "DENIED") {
		t.Errorf("after its key is deleted: %v", err)
	}
}

func TestECRSaysWhatIsWrongInItsOwnWords(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	client := ecr.NewFromConfig(configOf(url, "us-east-1", aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}))
	_, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("web"), ImageTagMutability: "NEVER"})
	refused(t, err, "InvalidParameterException", http.StatusBadRequest,
		"Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must satisfy enum value set: [")
}

func TestAWebPageCannotUseTheRegistry(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	for name, tt := range map[string]struct {
		host, origin string
		status       int
	}{
		"a client":                   {"", "", http.StatusUnauthorized},
		"AWS's own name":             {"123456789012.dkr.ecr.us-east-1.amazonaws.com", "", http.StatusUnauthorized},
		"a name that was made to":    {"evil.example", "", http.StatusForbidden},
		"another name of AWS's":      {"ec2-1-2-3-4.compute.amazonaws.com", "", http.StatusForbidden},
		"a page of another origin":   {"", "http://evil.example", http.StatusForbidden},
		"a page, with AWS's name":    {"123456789012.dkr.ecr.us-east-1.amazonaws.com", "http://evil.example", http.StatusForbidden},
		"a page of the same address": {"127.0.0.1:1", "http://127.0.0.1:2", http.StatusForbidden},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", url+"/v2/", nil)
		if tt.host != "" {
			r.Host = tt.host
		}
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != tt.status {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

func TestRuntimesReadAndPullImagesOfTheOwnRegistryAlone(t *testing.T) {
	s := open(t, "")
	defer running(t, s)()
	client := ecr.NewFromConfig(configOf(s.URL(), "us-east-1", aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}))
	uri, other := createRepository(t, client, "web"), createRepository(t, client, "other")
	for _, repository := range []string{uri, other} {
		if _, err := pushed(t, repository+":v1", registryPassword(t, client)); err != nil {
			t.Fatal(err)
		}
	}
	image, err := s.Image(t.Context(), uri+":v1")
	if err != nil {
		t.Fatal(err)
	}
	want := digestOf(t, image)
	if got, err := readWhole(image); got != want || err != nil {
		t.Errorf("it reads %s, %v", got, err)
	}
	host, _, _ := strings.Cut(uri, "/")
	_, port, _ := strings.Cut(host, ":")
	for _, reference := range []string{uri + ":v1", uri + "@" + want, "localhost:" + port + "/web:v1", testAccount + ".dkr.ecr.us-east-1.amazonaws.com/web:v1"} {
		if got, err := s.Image(t.Context(), reference); err != nil || digestOf(t, got) != want {
			t.Errorf("%s: %v", reference, err)
		}
		pull, user, password, ok := s.Login(t.Context(), reference)
		if !ok || !strings.HasPrefix(pull, uri) {
			t.Errorf("%s is pulled as %s, %t", reference, pull, ok)
			continue
		}
		if got, err := pulled(t, pull, user, password); err != nil || got != want {
			t.Errorf("%s: pulled %s, %v", reference, got, err)
		}
		if _, err := pulled(t, other+":v1", user, password); err == nil {
			t.Errorf("%s: its password pulls others, too", reference)
		}
		if _, err := pushed(t, uri+":v2", password); err == nil {
			t.Errorf("%s: its password pushes", reference)
		}
	}
	for _, reference := range []string{"nginx", "docker.io/library/nginx:1", "127.0.0.1:1/web:v1", "example.com:" + port + "/web:v1", "\x00"} {
		if _, err := s.Image(t.Context(), reference); !errors.Is(err, registry.ErrNotOurs) {
			t.Errorf("%q: %v", reference, err)
		}
		if _, _, _, ok := s.Login(t.Context(), reference); ok {
			t.Errorf("%q is taken for ours", reference)
		}
	}
	if _, err := s.Image(t.Context(), uri+":none"); err == nil || errors.Is(err, registry.ErrNotOurs) {
		t.Errorf("one that is not there: %v", err)
	}
}
