package ecr_test

import (
	"errors"
	"fmt"
	"log/slog"
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

const account = "123456789012"

// A world is an ECR with a repository web.
type world struct {
	t       *testing.T
	cell    *cell.Cell
	content *registry.Store
	*ecr.API
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	content, err := registry.OpenStore(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, content: content, cell: &cell.Cell{
		Account: account, Region: "us-east-1", Clock: clock.New(time.Now(), 1),
		State: state.New(st).Scope(cell.Scope(account, "us-east-1")), Log: slog.New(slog.DiscardHandler),
	}}
	w.restart()
	w.create("web")
	return w
}

// restart opens the service with what is stored.
func (w *world) restart() {
	w.t.Helper()
	var err error
	w.API, err = ecr.New(ecr.Config{
		Cell: w.cell, Content: w.content, Endpoint: func() string { return "http://127.0.0.1:4566" },
		Addressing: func() registry.Addressing {
			return registry.Addressing{Host: "127.0.0.1:4566", Account: account, Region: "us-east-1"}
		},
		Password: func(g registry.Grant) string { return "password of " + g.AccessKey },
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(name string) {
	w.t.Helper()
	if _, err := w.CreateRepository(w.t.Context(), &awsecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
		w.t.Fatal(err)
	}
}

// layer uploads a layer as ECR's API does and returns its digest.
func (w *world) layer(repository, content string) string {
	w.t.Helper()
	begun, err := w.InitiateLayerUpload(w.t.Context(), &awsecr.InitiateLayerUploadInput{RepositoryName: &repository})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.UploadLayerPart(w.t.Context(), &awsecr.UploadLayerPartInput{
		RepositoryName: &repository, UploadId: begun.UploadId, PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(content) - 1)), LayerPartBlob: []byte(content),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	d := string(registry.DigestOf([]byte(content)))
	_, err = w.CompleteLayerUpload(w.t.Context(), &awsecr.CompleteLayerUploadInput{RepositoryName: &repository, UploadId: begun.UploadId, LayerDigests: []string{d}})
	if _, exists := errors.AsType[*types.LayerAlreadyExistsException](err); err != nil && !exists {
		w.t.Fatal(err)
	}
	return d
}

// manifest is the text of one with a layer, whose parts are uploaded.
func (w *world) manifest(repository, content string) string {
	w.t.Helper()
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":%q},"layers":[{"mediaType":"a/b","size":1,"digest":%q}]}`,
		registry.OCIManifest, w.layer(repository, "{}"), w.layer(repository, content))
}

// put puts a manifest under a tag, or without one.
func (w *world) put(repository, manifest, tag string) error {
	in := &awsecr.PutImageInput{RepositoryName: &repository, ImageManifest: &manifest}
	if tag != "" {
		in.ImageTag = &tag
	}
	_, err := w.PutImage(w.t.Context(), in)
	return err
}

// image puts an image and returns its digest.
func (w *world) image(repository, content, tag string) string {
	w.t.Helper()
	text := w.manifest(repository, content)
	if err := w.put(repository, text, tag); err != nil {
		w.t.Fatal(err)
	}
	return string(registry.DigestOf([]byte(text)))
}

// refused wants an error with a code and a sentence in it.
func refused(t *testing.T, err error, code, sentence string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), sentence) {
		t.Errorf("got %v, want %s: %s", err, code, sentence)
	}
}

func TestARepositoryReadsBackWhatItWasMadeWith(t *testing.T) {
	w := newWorld(t)
	made, err := w.CreateRepository(t.Context(), &awsecr.CreateRepositoryInput{
		RepositoryName: aws.String("team/api"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
		ImageTagMutability:                 types.ImageTagMutabilityImmutableWithExclusion,
		ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{Filter: aws.String("dev-*"), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard}},
		ImageScanningConfiguration:         &types.ImageScanningConfiguration{ScanOnPush: true},
		EncryptionConfiguration:            &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String("alias/key")},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.restart()
	out, err := w.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/api"}})
	if err != nil {
		t.Fatal(err)
	}
	r := out.Repositories[0]
	if got, want := fmt.Sprint(*r.RepositoryArn, *r.RepositoryUri, r.ImageTagMutability, *r.ImageTagMutabilityExclusionFilters[0].Filter, r.ImageScanningConfiguration.ScanOnPush, *r.EncryptionConfiguration.KmsKey, r.CreatedAt.Equal(*made.Repository.CreatedAt)),
		fmt.Sprint("arn:aws:ecr:us-east-1:123456789012:repository/team/api", "127.0.0.1:4566/team/api", "IMMUTABLE_WITH_EXCLUSION", "dev-*", true, "alias/key", true); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = w.CreateRepository(t.Context(), &awsecr.CreateRepositoryInput{RepositoryName: aws.String("team/api")})
	refused(t, err, "RepositoryAlreadyExistsException", "The repository with name 'team/api' already exists in the registry with id '123456789012'")
	_, err = w.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{RepositoryNames: []string{"none"}})
	refused(t, err, "RepositoryNotFoundException", "The repository with name 'none' does not exist in the registry with id '123456789012'")
	_, err = w.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{RegistryId: aws.String("999999999999"), RepositoryNames: []string{"web"}})
	refused(t, err, "RepositoryNotFoundException", "in the registry with id '999999999999'")
}

func TestKMSWithoutAKeyHasTheOneThatAWSManages(t *testing.T) {
	w := newWorld(t)
	var keys []string
	for _, name := range []string{"one", "two"} {
		out, err := w.CreateRepository(t.Context(), &awsecr.CreateRepositoryInput{
			RepositoryName: &name, EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms},
		})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, *out.Repository.EncryptionConfiguration.KmsKey)
	}
	if keys[0] != keys[1] || !strings.HasPrefix(keys[0], "arn:aws:kms:us-east-1:123456789012:key/") {
		t.Errorf("they have %v", keys)
	}
	_, err := w.CreateRepository(t.Context(), &awsecr.CreateRepositoryInput{
		RepositoryName: aws.String("three"), EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256, KmsKey: &keys[0]},
	})
	refused(t, err, "InvalidParameterException", "Invalid encryption configuration: Encryption key should not be set for AES256 encryption.")
}

func TestARepositoryWithImagesIsDeletedByForceAlone(t *testing.T) {
	w := newWorld(t)
	d := w.image("web", "content", "v1")
	_, err := w.DeleteRepository(t.Context(), &awsecr.DeleteRepositoryInput{RepositoryName: aws.String("web")})
	refused(t, err, "RepositoryNotEmptyException", "The repository with name 'web' in registry with id '123456789012' cannot be deleted because it still contains images")
	if _, err := w.DeleteRepository(t.Context(), &awsecr.DeleteRepositoryInput{RepositoryName: aws.String("web"), Force: true}); err != nil {
		t.Error(err)
	}
	if w.Names(registry.Digest(d)) {
		t.Error("its image is still named")
	}
	w.create("web")
	if out, err := w.ListImages(t.Context(), &awsecr.ListImagesInput{RepositoryName: aws.String("web")}); err != nil || len(out.ImageIds) != 0 {
		t.Errorf("a new one of the same name has %v, %v", out, err)
	}
}

func TestWhatPutImageRefuses(t *testing.T) {
	w := newWorld(t)
	text := w.manifest("web", "content")
	w.create("other")
	refused(t, w.put("other", text, "v1"), "LayersNotFoundException", "sha256:")
	refused(t, w.put("none", text, "v1"), "RepositoryNotFoundException", "none")
	refused(t, w.put("web", `{"schemaVersion":2}`, "v1"), "InvalidParameterException", "image manifest mediatype not provided in manifest or parameter")
	refused(t, w.put("web", "x", "v1"), "InvalidParameterException", "Invalid JSON syntax")
	refused(t, w.put("web", text, "no tag"), "InvalidParameterException", "imageTag")
	_, err := w.PutImage(t.Context(), &awsecr.PutImageInput{RepositoryName: aws.String("web"), ImageManifest: &text, ImageDigest: aws.String("sha256:" + strings.Repeat("0", 64))})
	refused(t, err, "ImageDigestDoesNotMatchException", "does not match")
	for _, tag := range []string{"v1", ""} {
		if tag != "" {
			if err := w.put("web", text, tag); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, w.put("web", text, tag), "ImageAlreadyExistsException", "already exists in the repository with name 'web' in registry with id '123456789012'")
	}
	refused(t, w.put("web", fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"digest":"sha256:%s"}]}`, registry.OCIIndex, strings.Repeat("0", 64)), "all"), "ReferencedImagesNotFoundException", "sha256:")
}

func TestTagsThatMayBeMoved(t *testing.T) {
	for _, tt := range []struct {
		kind   types.ImageTagMutability
		filter string
		tag    string
		moves  bool
	}{
		{types.ImageTagMutabilityMutable, "", "v1", true},
		{types.ImageTagMutabilityImmutable, "", "v1", false},
		{types.ImageTagMutabilityImmutableWithExclusion, "dev-*", "v1", false},
		{types.ImageTagMutabilityImmutableWithExclusion, "dev-*", "dev-1", true},
		{types.ImageTagMutabilityImmutableWithExclusion, "latest", "latest", true},
		{types.ImageTagMutabilityImmutableWithExclusion, "*-dev-*", "a-dev-b", true},
		{types.ImageTagMutabilityImmutableWithExclusion, "*-dev-*", "dev", false},
		{types.ImageTagMutabilityMutableWithExclusion, "v*", "v1", false},
		{types.ImageTagMutabilityMutableWithExclusion, "v*", "dev", true},
	} {
		w := newWorld(t)
		in := &awsecr.PutImageTagMutabilityInput{RepositoryName: aws.String("web"), ImageTagMutability: tt.kind}
		if tt.filter != "" {
			in.ImageTagMutabilityExclusionFilters = []types.ImageTagMutabilityExclusionFilter{{Filter: &tt.filter, FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard}}
		}
		if _, err := w.PutImageTagMutability(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		w.image("web", "first", tt.tag)
		err := w.put("web", w.manifest("web", "second"), tt.tag)
		if tt.moves && err != nil {
			t.Errorf("%+v: %v", tt, err)
		}
		if !tt.moves {
			refused(t, err, "ImageTagAlreadyExistsException", "The image tag '"+tt.tag+"' already exists in the 'web' repository and cannot be overwritten because the tag is immutable.")
		}
	}
}

func TestFiltersOfTagsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, in := range map[string]*awsecr.PutImageTagMutabilityInput{
		"none":            {ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion},
		"one too many":    {ImageTagMutability: types.ImageTagMutabilityImmutable, ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{Filter: aws.String("a")}}},
		"three wildcards": {ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion, ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{Filter: aws.String("*a*b*")}}},
	} {
		in.RepositoryName = aws.String("web")
		_, err := w.PutImageTagMutability(t.Context(), in)
		t.Run(name, func(t *testing.T) {
			refused(t, err, "InvalidParameterException", "imageTagMutabilityExclusionFilters")
		})
	}
}

func TestImagesAreNamedByTagAndDigest(t *testing.T) {
	w := newWorld(t)
	d := w.image("web", "content", "v1")
	other := w.image("web", "other", "v2")
	for want, id := range map[string]types.ImageIdentifier{
		"":                           {ImageTag: aws.String("v1"), ImageDigest: &d},
		"ImageNotFound":              {ImageTag: aws.String("v3")},
		"ImageTagDoesNotMatchDigest": {ImageTag: aws.String("v1"), ImageDigest: &other},
		"InvalidImageDigest":         {ImageDigest: aws.String("x")},
		"MissingDigestAndTag":        {},
	} {
		out, err := w.BatchGetImage(t.Context(), &awsecr.BatchGetImageInput{RepositoryName: aws.String("web"), ImageIds: []types.ImageIdentifier{id}})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case want == "" && (len(out.Images) != 1 || *out.Images[0].ImageId.ImageDigest != d):
			t.Errorf("got %+v", out)
		case want != "" && (len(out.Failures) != 1 || string(out.Failures[0].FailureCode) != want):
			t.Errorf("got %+v, want %s", out.Failures, want)
		}
	}
}

func TestAnImageGoesWithItsLastTagOrByItsDigest(t *testing.T) {
	w := newWorld(t)
	remove := func(id types.ImageIdentifier) string {
		t.Helper()
		out, err := w.BatchDeleteImage(t.Context(), &awsecr.BatchDeleteImageInput{RepositoryName: aws.String("web"), ImageIds: []types.ImageIdentifier{id}})
		if err != nil {
			t.Fatal(err)
		}
		list, err := w.ListImages(t.Context(), &awsecr.ListImagesInput{RepositoryName: aws.String("web")})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d gone, %d failed, %d left", len(out.ImageIds), len(out.Failures), len(list.ImageIds))
	}
	text := w.manifest("web", "content")
	for _, tag := range []string{"a", "b", "c"} {
		if err := w.put("web", text, tag); err != nil {
			t.Fatal(err)
		}
	}
	d := string(registry.DigestOf([]byte(text)))
	if got := remove(types.ImageIdentifier{ImageTag: aws.String("a")}); got != "1 gone, 0 failed, 2 left" {
		t.Error(got)
	}
	index := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"digest":%q}]}`, registry.OCIIndex, d)
	if err := w.put("web", index, "all"); err != nil {
		t.Fatal(err)
	}
	if got := remove(types.ImageIdentifier{ImageDigest: &d}); got != "0 gone, 1 failed, 3 left" {
		t.Errorf("with an index: %s", got)
	}
	for _, tag := range []string{"b", "c"} { // with the last one, the image stays without tags
		if got := remove(types.ImageIdentifier{ImageTag: &tag}); got != "1 gone, 0 failed, 2 left" {
			t.Errorf("with an index: %s", got)
		}
	}
	if got := remove(types.ImageIdentifier{ImageTag: aws.String("all")}); got != "1 gone, 0 failed, 1 left" {
		t.Error(got)
	}
	if got := remove(types.ImageIdentifier{ImageDigest: &d}); got != "1 gone, 0 failed, 0 left" {
		t.Error(got)
	}
}

func TestImagesAreDescribed(t *testing.T) {
	w := newWorld(t)
	d := w.image("web", "content", "v1")
	w.image("web", "untagged", "")
	in := &awsecr.DescribeImagesInput{RepositoryName: aws.String("web"), Filter: &types.DescribeImagesFilter{TagStatus: types.TagStatusTagged}}
	out, err := w.DescribeImages(t.Context(), in)
	if err != nil || len(out.ImageDetails) != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	got := out.ImageDetails[0]
	if *got.ImageDigest != d || *got.ImageSizeInBytes != int64(len("{}content")) || got.ImageTags[0] != "v1" || *got.ImageManifestMediaType != registry.OCIManifest {
		t.Errorf("got %+v", got)
	}
	pages := awsecr.NewDescribeImagesPaginator(w, &awsecr.DescribeImagesInput{RepositoryName: aws.String("web"), MaxResults: aws.Int32(1)})
	n := 0
	for ; pages.HasMorePages(); n++ {
		if page, err := pages.NextPage(t.Context()); err != nil || len(page.ImageDetails) != 1 {
			t.Fatal(page, err)
		}
	}
	if n != 2 {
		t.Errorf("there are %d pages", n)
	}
	in.ImageIds, in.Filter = []types.ImageIdentifier{{ImageTag: aws.String("v2")}}, nil
	_, err = w.DescribeImages(t.Context(), in)
	refused(t, err, "ImageNotFoundException", "The image with imageId {imageDigest:'null', imageTag:'v2'} does not exist within the repository with name 'web' in the registry with id '123456789012'")
}

func TestPartsOfLayersThatAreRefused(t *testing.T) {
	w := newWorld(t)
	begun, err := w.InitiateLayerUpload(t.Context(), &awsecr.InitiateLayerUploadInput{RepositoryName: aws.String("web")})
	if err != nil {
		t.Fatal(err)
	}
	part := func(first, last int64, content string) error {
		_, err := w.UploadLayerPart(t.Context(), &awsecr.UploadLayerPartInput{RepositoryName: aws.String("web"), UploadId: begun.UploadId, PartFirstByte: &first, PartLastByte: &last, LayerPartBlob: []byte(content)})
		return err
	}
	complete := func(digest string) error {
		_, err := w.CompleteLayerUpload(t.Context(), &awsecr.CompleteLayerUploadInput{RepositoryName: aws.String("web"), UploadId: begun.UploadId, LayerDigests: []string{digest}})
		return err
	}
	d := string(registry.DigestOf([]byte("some content")))
	refused(t, complete(d), "EmptyUploadException", "does not contain any layer parts")
	refused(t, part(1, 4, "some"), "InvalidLayerPartException", "does not follow")
	refused(t, part(0, 9, "some"), "InvalidLayerPartException", "size")
	if err := part(0, 3, "some"); err != nil {
		t.Error(err)
	}
	refused(t, complete(d), "InvalidLayerException", "none of the digests")
	if err := part(4, 11, " content"); err != nil {
		t.Error(err)
	}
	refused(t, complete(d), "LayerPartTooSmallException", "Layer parts must be at least 5 MiB in size.")
	begun.UploadId = aws.String("11111111-2222-3333-4444-555555555555")
	refused(t, complete(d), "UploadNotFoundException", "11111111-2222-3333-4444-555555555555")
}

// A layer stays while an image needs it or may be about to come.
func TestLayersThatNoImageNeedsAreForgotten(t *testing.T) {
	w := newWorld(t)
	needed, idle := w.image("web", "needed", "v1"), w.layer("web", "idle")
	has := func(d string) types.LayerAvailability {
		t.Helper()
		out, err := w.BatchCheckLayerAvailability(t.Context(), &awsecr.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String("web"), LayerDigests: []string{d}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Layers[0].LayerAvailability
	}
	if err := w.Forget(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if has(idle) != types.LayerAvailabilityAvailable {
		t.Error("a layer is forgotten that was pushed just now")
	}
	if err := w.Forget(t.Context(), -time.Second); err != nil { // as if a second later
		t.Fatal(err)
	}
	if has(idle) != types.LayerAvailabilityUnavailable || w.Names(registry.Digest(idle)) {
		t.Error("a layer stays that no image needs")
	}
	for _, content := range []string{"{}", "needed"} {
		if has(string(registry.DigestOf([]byte(content)))) != types.LayerAvailabilityAvailable {
			t.Errorf("the layer %s is forgotten, which an image needs", content)
		}
	}
	if !w.Names(registry.Digest(needed)) {
		t.Error("a manifest is named no more")
	}
}

func TestLifecyclePolicies(t *testing.T) {
	w := newWorld(t)
	rule := func(priority int, selection, action string) string {
		return fmt.Sprintf(`{"rulePriority": %d, "selection": {%s}, "action": {%s}}`, priority, selection, action)
	}
	const untagged, expire = `"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1`, `"type": "expire"`
	for name, tt := range map[string]struct {
		rules string
		ok    bool
	}{
		"a rule":                      {rule(1, untagged, expire), true},
		"an age":                      {rule(1, `"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14`, expire), true},
		"patterns":                    {rule(1, `"tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan", "countNumber": 14`, expire), true},
		"an archive":                  {rule(1, untagged, `"type": "transition", "targetStorageClass": "archive"`), true},
		"any, last":                   {rule(1, untagged, expire) + "," + rule(2, `"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1`, expire), true},
		"any, first":                  {rule(2, untagged, expire) + "," + rule(1, `"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1`, expire), false},
		"none":                        {``, false},
		"two without tags":            {rule(1, untagged, expire) + "," + rule(2, untagged, expire), false},
		"five wildcards":              {rule(1, `"tagStatus": "tagged", "tagPatternList": ["*a*b*c*d*"], "countType": "imageCountMoreThan", "countNumber": 14`, expire), false},
		"two of one priority":         {rule(1, untagged, expire) + "," + rule(1, untagged, expire), false},
		"tagged without tags":         {rule(1, `"tagStatus": "tagged", "countType": "imageCountMoreThan", "countNumber": 1`, expire), false},
		"untagged with tags":          {rule(1, untagged+`, "tagPrefixList": ["v"]`, expire), false},
		"an age without a unit":       {rule(1, `"tagStatus": "untagged", "countType": "sinceImagePushed", "countNumber": 1`, expire), false},
		"a number of none":            {rule(1, `"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 0`, expire), false},
		"an action that is not known": {rule(1, untagged, `"type": "keep"`), false},
		"a member that is not known":  {rule(1, untagged+`, "color": "red"`, expire), false},
	} {
		_, err := w.PutLifecyclePolicy(t.Context(), &awsecr.PutLifecyclePolicyInput{RepositoryName: aws.String("web"), LifecyclePolicyText: aws.String(`{"rules": [` + tt.rules + `]}`)})
		if tt.ok && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !tt.ok {
			refused(t, err, "InvalidParameterException", "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy "+map[string]string{
				"two without tags": "validation failure: Only one rule can select Untagged images.'", "five wildcards": "validation failure: Invalid tag pattern provided. Total number of * must not exceed 4",
				"two of one priority": "validation failure: Duplicate priority in multiple rules", "an action that is not known": "parsing failure: Could not map policyString into LifecyclePolicy.",
				"an age without a unit": "validation failure: instance failed to match exactly one schema (matched 0 out of 4)",
			}[name])
		}
	}
	if got, err := w.GetLifecyclePolicy(t.Context(), &awsecr.GetLifecyclePolicyInput{RepositoryName: aws.String("web")}); err != nil || got.LastEvaluatedAt.Unix() != 0 {
		t.Errorf("a policy that has not acted: %+v, %v", got, err)
	}
	if _, err := w.DeleteLifecyclePolicy(t.Context(), &awsecr.DeleteLifecyclePolicyInput{RepositoryName: aws.String("web")}); err != nil {
		t.Error(err)
	}
	_, err := w.GetLifecyclePolicy(t.Context(), &awsecr.GetLifecyclePolicyInput{RepositoryName: aws.String("web")})
	refused(t, err, "LifecyclePolicyNotFoundException", "Lifecycle policy does not exist for the repository with name 'web' in the registry with id '123456789012'")
}

func TestAScanSaysThatNobodyHasLooked(t *testing.T) {
	w := newWorld(t)
	w.image("web", "content", "v1")
	id := &types.ImageIdentifier{ImageTag: aws.String("v1")}
	_, err := w.DescribeImageScanFindings(t.Context(), &awsecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("web"), ImageId: id})
	refused(t, err, "ScanNotFoundException", "Image scan does not exist for the image with '{imageDigest:'null', imageTag:'v1'}' in the repository with name 'web' in the registry with id '123456789012'")
	if _, err := w.StartImageScan(t.Context(), &awsecr.StartImageScanInput{RepositoryName: aws.String("web"), ImageId: id}); err != nil {
		t.Fatal(err)
	}
	out, err := w.DescribeImageScanFindings(t.Context(), &awsecr.DescribeImageScanFindingsInput{RepositoryName: aws.String("web"), ImageId: id})
	if err != nil || out.ImageScanStatus.Status != types.ScanStatusFailed || out.ImageScanFindings != nil {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestATokenIsThatOfTheCallersKey(t *testing.T) {
	w := newWorld(t)
	out, err := w.For("AKIA").GetAuthorizationToken(t.Context(), &awsecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	data := out.AuthorizationData[0]
	if *data.AuthorizationToken != "QVdTOnBhc3N3b3JkIG9mIEFLSUE=" || *data.ProxyEndpoint != "http://127.0.0.1:4566" { // AWS:password of AKIA
		t.Errorf("got %s, %s", *data.AuthorizationToken, *data.ProxyEndpoint)
	}
	if left := time.Until(*data.ExpiresAt); left > 12*time.Hour || left < 12*time.Hour-time.Minute {
		t.Errorf("it lives for %v", left)
	}
}

func FuzzPutLifecyclePolicy(f *testing.F) {
	f.Add(`{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]}`)
	f.Add(`{"rules": null}`)
	f.Fuzz(func(t *testing.T, text string) {
		if err := ecr.CheckLifecycle(text); err != nil {
			refused(t, err, "InvalidParameterException", "LifecyclePolicyText")
		}
	})
}
