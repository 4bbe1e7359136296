package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/registry"
	"flyball/internal/service/ecr"
	"flyball/internal/state"
	"flyball/internal/store"
)

// A served is a registry with two repositories, shop/web and shop/other.
type served struct {
	t   *testing.T
	dir string
	url string
	api *ecr.API
	may func(operation string) bool // what the caller may do
}

const password = "good"

func serve(t *testing.T) *served {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s := &served{t: t, dir: t.TempDir(), may: func(string) bool { return true }}
	addressing := registry.Addressing{Host: "127.0.0.1:4566", Account: "123456789012", Region: "us-east-1"}
	s.api, err = ecr.New(ecr.Config{
		Cell: &cell.Cell{
			Account: addressing.Account, Region: addressing.Region, Clock: clock.New(time.Now(), 1),
			State: state.New(st).Scope(cell.Scope(addressing.Account, addressing.Region)), Log: slog.New(slog.DiscardHandler),
		},
		Content: openStore(t, s.dir), Addressing: func() registry.Addressing { return addressing },
		Endpoint: func() string { return "http://127.0.0.1:4566" }, Password: func(registry.Grant) string { return password },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop/web", "shop/other"} {
		if _, err := s.api.CreateRepository(t.Context(), &awsecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(registry.NewHandler(registry.Options{
		Addressing: func() registry.Addressing { return addressing },
		Login: func(_ context.Context, given string) (registry.Caller, error) {
			switch given {
			case password:
				return s, nil
			case "old":
				return nil, registry.ErrExpired
			}
			return nil, registry.ErrPassword
		},
		Settle: func(context.Context) error { return nil },
		Log:    slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// Open is that of the caller.
func (s *served) Open(_ context.Context, p registry.Place, operation string, _ any) (registry.ECR, error) {
	if !s.may(operation) {
		return nil, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no " + operation}
	}
	if p.Account != "123456789012" || p.Region != "us-east-1" {
		return nil, &types.RepositoryNotFoundException{Message: aws.String("elsewhere")}
	}
	return s.api, nil
}

// call makes a request, with headers as pairs.
func (s *served) call(method, path, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth("AWS", password)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(text)
}

// want makes a request that is to be answered with a status and, if it is an error, a
// code.
func (s *served) want(status int, code, method, path, body string, headers ...string) *http.Response {
	s.t.Helper()
	answer, text := s.call(method, path, body, headers...)
	if answer.StatusCode != status || code != "" && !strings.Contains(text, `"code":"`+code+`"`) {
		s.t.Errorf("%s %s: %d %s, want %d %s", method, path, answer.StatusCode, text, status, code)
	}
	return answer
}

// push uploads a layer and returns its digest.
func (s *served) push(repository, content string) string {
	s.t.Helper()
	d := string(registry.DigestOf([]byte(content)))
	s.want(201, "", "POST", "/v2/"+repository+"/blobs/uploads/?digest="+d, content)
	return d
}

// image is the text of a manifest with a configuration that is pushed, and its digest.
func (s *served) image(repository, note string) (text, digest string) {
	s.t.Helper()
	c := s.push(repository, "{}")
	text = fmt.Sprintf(`{"schemaVersion": 2, "mediaType": %q, "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": %q}, "layers": [], "annotations": {"note": %q}}`,
		registry.OCIManifest, c, note)
	return text, string(registry.DigestOf([]byte(text)))
}

func TestOnlyThoseWhoLogInAreServed(t *testing.T) {
	s := serve(t)
	for name, tt := range map[string]struct {
		user, password string
		status         int
		sentence       string
	}{
		"nobody":               {"", "", 401, "UNAUTHORIZED"},
		"another user":         {"root", password, 401, "UNAUTHORIZED"},
		"a wrong password":     {"AWS", "wrong", 400, "Your Authorization Token is invalid."},
		"a password of before": {"AWS", "old", 403, "Your authorization token has expired. Reauthenticate and try again."},
		"the right one":        {"AWS", password, 200, "{}"},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", s.url+"/v2/", nil)
		if tt.user != "" {
			r.SetBasicAuth(tt.user, tt.password)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != tt.status || !strings.Contains(string(text), tt.sentence) {
			t.Errorf("%s: %d %s", name, answer.StatusCode, text)
		}
		if asks := answer.Header.Get("Www-Authenticate"); (asks != "") != (tt.status == 401) || tt.status == 401 && asks != `Basic realm="`+s.url+`/",service="ecr.amazonaws.com"` {
			t.Errorf("%s is asked for %q", name, asks)
		}
	}
}

func TestEachRequestNeedsThePermissionOfAnOperation(t *testing.T) {
	s := serve(t)
	text, digest := s.image("shop/web", "")
	s.want(201, "", "PUT", "/v2/shop/web/manifests/v1", text)
	upload := s.want(202, "", "POST", "/v2/shop/web/blobs/uploads/", "").Header.Get("Location")
	for _, tt := range []struct{ method, path, operation string }{
		{"GET", "/v2/shop/web/manifests/v1", "BatchGetImage"},
		{"GET", "/v2/shop/web/blobs/" + sum, "GetDownloadUrlForLayer"},
		{"GET", "/v2/shop/web/tags/list", "ListImages"},
		{"GET", "/v2/shop/web/referrers/" + digest, "ListImageReferrers"},
		{"POST", "/v2/shop/web/blobs/uploads/", "InitiateLayerUpload"},
		{"PATCH", upload, "UploadLayerPart"},
		{"GET", upload, "UploadLayerPart"},
		{"DELETE", upload, "UploadLayerPart"},
		{"PUT", upload + "?digest=" + sum, "CompleteLayerUpload"},
		{"PUT", "/v2/shop/web/manifests/v2", "PutImage"},
		{"DELETE", "/v2/shop/web/manifests/v1", "BatchDeleteImage"},
	} {
		s.may = func(operation string) bool { return operation != tt.operation }
		if _, text := s.call(tt.method, tt.path, ""); !strings.Contains(text, `"DENIED","message":"no `+tt.operation) {
			t.Errorf("%s %s without %s: %s", tt.method, tt.path, tt.operation, text)
		}
	}
	s.may = func(operation string) bool { return operation != "BatchCheckLayerAvailability" }
	s.want(403, "", "HEAD", "/v2/shop/web/blobs/"+sum, "")
}

func TestALayerIsPushedInParts(t *testing.T) {
	s := serve(t)
	at := s.want(202, "", "POST", "/v2/shop/web/blobs/uploads/", "").Header.Get("Location")
	part := s.want(202, "", "PATCH", at, "some ", "Content-Range", "0-4")
	if part.Header.Get("Range") != "0-4" || part.Header.Get("Location") != at {
		t.Errorf("after a part: %v", part.Header)
	}
	gap := s.want(416, "BLOB_UPLOAD_INVALID", "PATCH", at, "x", "Content-Range", "7-7")
	if gap.Header.Get("Range") != "0-4" || gap.Header.Get("Location") != at {
		t.Errorf("after a gap: %v", gap.Header)
	}
	for _, wrong := range []string{"x", "5", "-1-0", "6-5", "5-99999999999999999999"} {
		s.want(400, "BLOB_UPLOAD_INVALID", "PATCH", at, "x", "Content-Range", wrong)
	}
	s.want(400, "SIZE_INVALID", "PATCH", at, "x", "Content-Range", "5-6")
	if got := s.want(204, "", "GET", at, "").Header.Get("Range"); got != "0-4" {
		t.Errorf("there are %s", got)
	}
	d := string(registry.DigestOf([]byte("some content")))
	s.want(400, "DIGEST_INVALID", "PUT", at, "content")
	s.want(400, "DIGEST_INVALID", "PUT", at+"?digest=sha512:0", "")
	s.want(400, "DIGEST_INVALID", "PUT", at+"?digest="+d, "") // it is not whole yet
	made := s.want(201, "", "PUT", at+"?digest="+d, "content", "Content-Range", "5-11")
	if made.Header.Get("Location") != "/v2/shop/web/blobs/"+d || made.Header.Get("Docker-Content-Digest") != d {
		t.Errorf("at the end: %v", made.Header)
	}
	s.want(404, "BLOB_UPLOAD_UNKNOWN", "PATCH", at, "x")
	if _, text := s.call("GET", "/v2/shop/web/blobs/"+d, ""); text != "some content" {
		t.Errorf("it is %q", text)
	}
	if answer, text := s.call("GET", "/v2/shop/web/blobs/"+d, "", "Range", "bytes=5-8"); answer.StatusCode != 206 || text != "cont" {
		t.Errorf("a range: %d %q", answer.StatusCode, text)
	}
	if answer := s.want(200, "", "HEAD", "/v2/shop/web/blobs/"+d, ""); answer.ContentLength != 12 || answer.Header.Get("Docker-Content-Digest") != d {
		t.Errorf("its head: %v", answer.Header)
	}
	s.want(404, "BLOB_UNKNOWN", "GET", "/v2/shop/other/blobs/"+d, "")
}

func TestAnUploadThatIsGivenUpLeavesNothing(t *testing.T) {
	s := serve(t)
	at := s.want(202, "", "POST", "/v2/shop/web/blobs/uploads/", "").Header.Get("Location")
	s.want(202, "", "PATCH", at, "some")
	s.want(404, "BLOB_UPLOAD_UNKNOWN", "DELETE", strings.Replace(at, "shop/web", "shop/other", 1), "")
	s.want(204, "", "DELETE", at, "")
	s.want(404, "BLOB_UPLOAD_UNKNOWN", "GET", at, "")
	s.want(400, "DIGEST_INVALID", "POST", "/v2/shop/web/blobs/uploads/?digest="+sum, "a lie")
	if got := files(t, s.dir); len(got) != 0 {
		t.Errorf("there are %v", got)
	}
}

func TestAManifestNeedsWhatItNames(t *testing.T) {
	s := serve(t)
	text, digest := s.image("shop/web", "")
	s.want(404, "MANIFEST_BLOB_UNKNOWN", "PUT", "/v2/shop/other/manifests/v1", text)
	s.want(404, "NAME_UNKNOWN", "PUT", "/v2/shop/none/manifests/v1", text)
	s.want(400, "DIGEST_INVALID", "PUT", "/v2/shop/web/manifests/"+sum, text)
	s.want(400, "TAG_INVALID", "PUT", "/v2/shop/web/manifests/.x", text)
	s.want(400, "MANIFEST_INVALID", "PUT", "/v2/shop/web/manifests/v1", text, "Content-Type", registry.DockerManifest)
	s.want(400, "MANIFEST_INVALID", "PUT", "/v2/shop/web/manifests/v1", "{}")
	s.want(413, "SIZE_INVALID", "PUT", "/v2/shop/web/manifests/v1", text+strings.Repeat(" ", registry.MaxManifest))
	index := fmt.Sprintf(`{"schemaVersion": 2, "mediaType": %q, "manifests": [{"mediaType": %q, "size": 1, "digest": %q}]}`, registry.OCIIndex, registry.OCIManifest, digest)
	s.want(404, "MANIFEST_BLOB_UNKNOWN", "PUT", "/v2/shop/web/manifests/all", index)
	s.want(201, "", "PUT", "/v2/shop/web/manifests/v1", text, "Content-Type", registry.OCIManifest+"; charset=utf-8")
	s.want(201, "", "PUT", "/v2/shop/web/manifests/v1", text) // again
	s.want(201, "", "PUT", "/v2/shop/web/manifests/all", index)
	for _, reference := range []string{"v1", digest} {
		answer, got := s.call("GET", "/v2/shop/web/manifests/"+reference, "")
		if got != text || answer.Header.Get("Docker-Content-Digest") != digest || answer.Header.Get("Content-Type") != registry.OCIManifest {
			t.Errorf("%s: %q, %v", reference, got, answer.Header)
		}
	}
	s.want(409, "DENIED", "DELETE", "/v2/shop/web/manifests/"+digest, "") // the index names it
	s.want(202, "", "DELETE", "/v2/shop/web/manifests/all", "")
	s.want(202, "", "DELETE", "/v2/shop/web/manifests/"+digest, "")
	s.want(404, "MANIFEST_UNKNOWN", "GET", "/v2/shop/web/manifests/v1", "")
	s.want(404, "MANIFEST_UNKNOWN", "DELETE", "/v2/shop/web/manifests/v1", "")
}

func TestTagsAreListedInOrderAndPages(t *testing.T) {
	s := serve(t)
	text, digest := s.image("shop/web", "")
	answer := s.want(201, "", "PUT", "/v2/shop/web/manifests/"+digest+"?tag=c&tag=a&tag=B&tag=.wrong", text)
	if got := answer.Header.Values("Oci-Tag"); !slices.Equal(got, []string{"c", "a", "B"}) {
		t.Errorf("tagged %v", got)
	}
	for query, want := range map[string]string{
		"": `["B","a","c"]`, "?n=0": `[]`, "?n=2": `["B","a"]`, "?n=2&last=a": `["c"]`, "?last=b": `["c"]`, "?n=9": `["B","a","c"]`,
	} {
		answer, text := s.call("GET", "/v2/shop/web/tags/list"+query, "")
		if text != `{"name":"shop/web","tags":`+want+`}` {
			t.Errorf("%s: %s", query, text)
		}
		if link := answer.Header.Get("Link"); (link != "") != (query == "?n=2") || link != "" && link != `</v2/shop/web/tags/list?last=a&n=2>; rel="next"` {
			t.Errorf("%s: the next page is %q", query, link)
		}
	}
	s.want(400, "PAGINATION_NUMBER_INVALID", "GET", "/v2/shop/web/tags/list?n=-1", "")
	s.want(404, "NAME_UNKNOWN", "GET", "/v2/shop/none/tags/list", "")
}

func TestReferrersAreListed(t *testing.T) {
	s := serve(t)
	_, subject := s.image("shop/web", "the subject, which nobody has pushed")
	text, _ := s.image("shop/web", "signature")
	text = strings.TrimSuffix(text, "}") + fmt.Sprintf(`, "artifactType": "a/b", "subject": {"mediaType": %q, "size": 1, "digest": %q}}`, registry.OCIManifest, subject)
	answer := s.want(201, "", "PUT", "/v2/shop/web/manifests/"+string(registry.DigestOf([]byte(text))), text)
	if answer.Header.Get("Oci-Subject") != subject {
		t.Errorf("the answer has %v", answer.Header)
	}
	for query, want := range map[string]int{"": 1, "?artifactType=a/b": 1, "?artifactType=c/d": 0} {
		answer, body := s.call("GET", "/v2/shop/web/referrers/"+subject+query, "")
		var index struct{ Manifests []map[string]any }
		if err := json.Unmarshal([]byte(body), &index); err != nil || len(index.Manifests) != want || answer.Header.Get("Content-Type") != registry.OCIIndex {
			t.Errorf("%s: %s, %v", query, body, err)
		}
		if (answer.Header.Get("Oci-Filters-Applied") != "") != (query != "") {
			t.Errorf("%s: %v", query, answer.Header)
		}
		if want == 1 && (index.Manifests[0]["artifactType"] != "a/b" || index.Manifests[0]["size"] != float64(len(text))) {
			t.Errorf("%s: %v", query, index.Manifests)
		}
	}
	s.want(400, "DIGEST_INVALID", "GET", "/v2/shop/web/referrers/x", "")
}

func TestATagThatIsImmutableStays(t *testing.T) {
	s := serve(t)
	first, _ := s.image("shop/web", "first")
	second, _ := s.image("shop/web", "second")
	s.want(201, "", "PUT", "/v2/shop/web/manifests/v1", first)
	_, err := s.api.PutImageTagMutability(t.Context(), &awsecr.PutImageTagMutabilityInput{RepositoryName: aws.String("shop/web"), ImageTagMutability: types.ImageTagMutabilityImmutable})
	if err != nil {
		t.Fatal(err)
	}
	s.want(400, "TAG_INVALID", "PUT", "/v2/shop/web/manifests/v1", second)
	s.want(201, "", "PUT", "/v2/shop/web/manifests/v1", first)
	s.want(201, "", "PUT", "/v2/shop/web/manifests/v2", second)
}

func TestALayerIsMountedOnlyWhereThatIsAllowed(t *testing.T) {
	s := serve(t)
	d := s.push("shop/web", "some content")
	mount := "/v2/shop/other/blobs/uploads/?mount=" + d + "&from=shop/web"
	s.want(202, "", "POST", mount, "")
	_, err := s.api.PutAccountSetting(t.Context(), &awsecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")})
	if err != nil {
		t.Fatal(err)
	}
	s.want(202, "", "POST", strings.Replace(mount, "=shop/web", "=shop/none", 1), "")
	s.want(202, "", "POST", strings.Replace(mount, d, sum, 1), "")
	s.may = func(operation string) bool { return operation != "GetDownloadUrlForLayer" }
	s.want(202, "", "POST", mount, "")
	s.may = func(string) bool { return true }
	s.want(201, "", "POST", mount, "")
	s.want(200, "", "HEAD", "/v2/shop/other/blobs/"+d, "")
}

func TestATemplateMakesARepositoryOnPush(t *testing.T) {
	s := serve(t)
	s.want(404, "NAME_UNKNOWN", "POST", "/v2/team/web/blobs/uploads/", "")
	_, err := s.api.CreateRepositoryCreationTemplate(t.Context(), &awsecr.CreateRepositoryCreationTemplateInput{
		Prefix: aws.String("team"), AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}, ImageTagMutability: types.ImageTagMutabilityImmutable,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.want(404, "NAME_UNKNOWN", "POST", "/v2/teams/web/blobs/uploads/", "")
	s.may = func(operation string) bool { return operation != "CreateRepository" }
	s.want(404, "NAME_UNKNOWN", "POST", "/v2/team/web/blobs/uploads/", "")
	s.may = func(string) bool { return true }
	s.want(202, "", "POST", "/v2/team/web/blobs/uploads/", "")
	out, err := s.api.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/web"}})
	if err != nil || out.Repositories[0].ImageTagMutability != types.ImageTagMutabilityImmutable {
		t.Errorf("it is %+v, %v", out, err)
	}
}

func TestPathsThatLeadNowhere(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/v2/x", "/v2/shop/web/blobs", "/v2/shop/web/manifests/", "/v2/_catalog", "/v2/shop/web/tags"} {
		s.want(404, "UNSUPPORTED", "GET", path, "")
	}
	for _, path := range []string{"/v2/Shop/tags/list", "/v2/%2e%2e/%2e%2e/tags/list", "/v2/a%00b/tags/list", "/v2//tags/list", "/v2/" + strings.Repeat("a", 300) + "/tags/list"} {
		s.want(400, "NAME_INVALID", "GET", path, "")
	}
	s.want(404, "UNSUPPORTED", "GET", "/v2/shop/web/blobs/sha256:..%2f..%2f..%2fetc%2fpasswd", "")
	s.want(400, "DIGEST_INVALID", "GET", "/v2/shop/web/blobs/passwd", "")
	s.want(404, "BLOB_UPLOAD_UNKNOWN", "GET", "/v2/shop/web/blobs/uploads/..", "")
	s.want(405, "UNSUPPORTED", "DELETE", "/v2/shop/web/blobs/"+sum, "")
	s.want(404, "NAME_UNKNOWN", "GET", "/v2/999999999999.dkr.ecr.us-east-1/shop/web/tags/list", "")
	// Words of the protocol may be in a repository's name.
	if _, err := s.api.CreateRepository(t.Context(), &awsecr.CreateRepositoryInput{RepositoryName: aws.String("a/manifests/b/blobs/uploads")}); err != nil {
		t.Fatal(err)
	}
	s.want(200, "", "GET", "/v2/a/manifests/b/blobs/uploads/tags/list", "")
}

func TestALinkReadsWithoutAPassword(t *testing.T) {
	s := serve(t)
	text, _ := s.image("shop/web", "")
	_, err := s.api.GetDownloadUrlForLayer(t.Context(), &awsecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("shop/web"), LayerDigest: aws.String(sum)})
	if _, ok := errors.AsType[*types.LayerInaccessibleException](err); !ok {
		t.Errorf("before an image needs the layer: %v", err)
	}
	s.want(201, "", "PUT", "/v2/shop/web/manifests/v1", text)
	out, err := s.api.GetDownloadUrlForLayer(t.Context(), &awsecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("shop/web"), LayerDigest: aws.String(sum)})
	if err != nil {
		t.Fatal(err)
	}
	link := strings.Replace(*out.DownloadUrl, "http://127.0.0.1:4566", s.url, 1)
	for method, status := range map[string]int{"GET": 200, "DELETE": 401} {
		r, _ := http.NewRequestWithContext(t.Context(), method, link, bytes.NewReader(nil))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("%s: %d", method, answer.StatusCode)
		}
	}
}
