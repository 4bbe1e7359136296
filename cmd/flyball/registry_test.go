package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"flyball/internal/registry"
)

// A pusher speaks the registry's protocol to a server.
type pusher struct {
	t        *testing.T
	url      string
	ecr      *ecr.Client
	password string
}

func pusherOf(t *testing.T, s *served) *pusher {
	t.Helper()
	p := &pusher{t: t, url: s.Endpoint}
	p.ecr = ecr.New(ecr.Options{Region: "us-east-1", BaseEndpoint: &p.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	out, err := p.ecr.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	p.password = strings.TrimPrefix(string(token), "AWS:")
	return p
}

// do makes a request and returns the answer's status, its Location and its body.
func (p *pusher) do(method, path string, body io.Reader) (status int, location string, text []byte) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	r.SetBasicAuth("AWS", p.password)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", nil // the server was killed
	}
	defer answer.Body.Close()
	text, _ = io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header.Get("Location"), text
}

// push pushes a layer, which has to be acknowledged, and returns its digest.
func (p *pusher) push(content string) string {
	p.t.Helper()
	d := string(registry.DigestOf([]byte(content)))
	if status, _, text := p.do("POST", "/v2/web/blobs/uploads/?digest="+d, strings.NewReader(content)); status != http.StatusCreated {
		p.t.Fatalf("push: %d %s", status, text)
	}
	return d
}

// A server is killed while a layer comes in. What was acknowledged is there, with a
// password of before, and of the rest nothing.
func TestAPushThatAKillBreaksOffLeavesNothing(t *testing.T) {
	data := t.TempDir()
	s := serve(t, data)
	p := pusherOf(t, s)
	if _, err := p.ecr.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("web")}); err != nil {
		t.Fatal(err)
	}
	config := p.push("{}")
	manifest := `{"schemaVersion": 2, "mediaType": "` + registry.OCIManifest + `", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": "` + config + `"}, "layers": []}`
	if status, _, text := p.do("PUT", "/v2/web/manifests/v1", strings.NewReader(manifest)); status != http.StatusCreated {
		t.Fatalf("put the manifest: %d %s", status, text)
	}
	_, upload, _ := p.do("POST", "/v2/web/blobs/uploads/", nil)
	half, rest := io.Pipe()
	ended := make(chan struct{})
	go func() { defer close(ended); p.do("PATCH", upload, half) }()
	if _, err := rest.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil { // the server has read some of it
		t.Fatal(err)
	}
	s.kill(t)
	rest.Close()
	<-ended

	again := pusherOf(t, serve(t, data))
	again.password = p.password
	if status, _, text := again.do("GET", "/v2/web/manifests/v1", nil); status != http.StatusOK || string(text) != manifest {
		t.Errorf("the manifest: %d %s", status, text)
	}
	if status, _, text := again.do("GET", "/v2/web/blobs/"+config, nil); status != http.StatusOK || string(text) != "{}" {
		t.Errorf("the layer: %d %s", status, text)
	}
	if status, _, _ := again.do("PATCH", upload, strings.NewReader("x")); status != http.StatusNotFound {
		t.Errorf("the upload goes on: %d", status)
	}
	want := []string{strings.TrimPrefix(config, "sha256:"), strings.TrimPrefix(string(registry.DigestOf([]byte(manifest))), "sha256:")}
	slices.Sort(want)
	if got := contents(t, filepath.Join(data, "registry")); !slices.Equal(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
}

// contents are the names of all files below a folder, in order.
func contents(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, e.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}
