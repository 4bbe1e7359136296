package registry

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// MaxManifest bounds a manifest, in bytes.
const MaxManifest = 4 << 20

// id is what the reference in the path names: a digest or a tag.
func (x *exchange) id() (types.ImageIdentifier, error) {
	if d, err := ParseDigest(x.item); err == nil {
		return types.ImageIdentifier{ImageDigest: aws.String(string(d))}, nil
	}
	if !ValidTag(x.item) {
		return types.ImageIdentifier{}, refuse(http.StatusBadRequest, "TAG_INVALID", "A tag has 1 to 128 letters, digits, dots, hyphens and underscores.")
	}
	return types.ImageIdentifier{ImageTag: &x.item}, nil
}

// getManifest sends a manifest, or with HEAD only what it is.
func (x *exchange) getManifest() error {
	id, err := x.id()
	if err != nil {
		return err
	}
	in := &ecr.BatchGetImageInput{RepositoryName: &x.place.Repository, ImageIds: []types.ImageIdentifier{id}}
	api, err := x.open("BatchGetImage", in)
	if err != nil {
		return err
	}
	out, err := api.BatchGetImage(x.r.Context(), in)
	if err != nil {
		return err
	}
	if len(out.Images) == 0 {
		return refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
	}
	if err := x.Settle(x.r.Context()); err != nil {
		return err
	}
	image := out.Images[0]
	_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(2 * patience))
	header := x.w.Header()
	header.Set("Content-Type", aws.ToString(image.ImageManifestMediaType))
	header.Set("Content-Length", strconv.Itoa(len(*image.ImageManifest)))
	header.Set("Docker-Content-Digest", aws.ToString(image.ImageId.ImageDigest))
	header.Set("Etag", `"`+aws.ToString(image.ImageId.ImageDigest)+`"`)
	if x.r.Method == http.MethodGet {
		_, _ = io.WriteString(x.w, *image.ImageManifest) // the client may be gone
	}
	return nil
}

// putManifest keeps a manifest by its digest, and under a tag or several.
func (x *exchange) putManifest() error {
	id, err := x.id()
	if err != nil {
		return err
	}
	in := &ecr.PutImageInput{RepositoryName: &x.place.Repository, ImageTag: id.ImageTag, ImageDigest: id.ImageDigest}
	api, err := x.open("PutImage", in)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, MaxManifest))
	if _, large := err.(*http.MaxBytesError); large {
		return refuse(http.StatusRequestEntityTooLarge, "SIZE_INVALID", "A manifest has 4 MiB at most.")
	} else if err != nil {
		return err
	}
	in.ImageManifest = aws.String(string(content))
	if kind, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type")); err == nil {
		in.ImageManifestMediaType = &kind
	}
	for _, tag := range x.tagsToPut() {
		in.ImageTag = tag
		if err := x.putImage(api, in); err != nil {
			return err
		}
		if tag != nil && id.ImageTag == nil {
			x.w.Header().Add("Oci-Tag", *tag)
		}
	}
	digest := string(DigestOf(content))
	x.w.Header().Set("Location", x.url("manifests/"+digest))
	x.w.Header().Set("Docker-Content-Digest", digest)
	if m, err := ParseManifest(content, aws.ToString(in.ImageManifestMediaType)); err == nil && m.Subject != "" {
		x.w.Header().Set("Oci-Subject", string(m.Subject))
	}
	x.w.WriteHeader(http.StatusCreated)
	return nil
}

// mostTags bounds how many tags one request gives a manifest.
const mostTags = 100

// tagsToPut are the tags that the path or the query name, or one that is nil.
func (x *exchange) tagsToPut() (all []*string) {
	if _, err := ParseDigest(x.item); err != nil {
		return []*string{&x.item}
	}
	for _, tag := range x.r.URL.Query()["tag"] {
		if ValidTag(tag) && len(all) < mostTags {
			all = append(all, &tag)
		}
	}
	if all == nil {
		return []*string{nil}
	}
	return all
}

// putImage puts an image. One that is there already is as good.
func (x *exchange) putImage(api ECR, in *ecr.PutImageInput) error {
	_, err := api.PutImage(x.r.Context(), in)
	switch {
	case hasCode(err, "ImageAlreadyExistsException"):
		return x.Settle(x.r.Context())
	case hasCode(err, "LayersNotFoundException"):
		return refuse(http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", err.Error())
	}
	return err
}

// deleteManifest removes a tag, or an image with all its tags.
func (x *exchange) deleteManifest() error {
	id, err := x.id()
	if err != nil {
		return err
	}
	in := &ecr.BatchDeleteImageInput{RepositoryName: &x.place.Repository, ImageIds: []types.ImageIdentifier{id}}
	api, err := x.open("BatchDeleteImage", in)
	if err != nil {
		return err
	}
	out, err := api.BatchDeleteImage(x.r.Context(), in)
	if err != nil {
		return err
	}
	if len(out.Failures) > 0 {
		f := out.Failures[0]
		if f.FailureCode == types.ImageFailureCodeImageNotFound {
			return refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", aws.ToString(f.FailureReason))
		}
		return refuse(http.StatusConflict, "DENIED", aws.ToString(f.FailureReason))
	}
	x.w.WriteHeader(http.StatusAccepted)
	return nil
}

// listTags lists tags in order, all or n of them after the last that the client knows.
func (x *exchange) listTags() error {
	query := x.r.URL.Query()
	most := -1
	if given := query.Get("n"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 0 {
			return refuse(http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "n has to be a number of tags.")
		}
		most = n
	}
	list, err := x.tags()
	if err != nil {
		return err
	}
	if last := query.Get("last"); last != "" {
		start, found := slices.BinarySearch(list, last)
		if found {
			start++
		}
		list = list[start:]
	}
	if most >= 0 && len(list) > most {
		if list = list[:most]; most > 0 {
			next := url.Values{"n": {strconv.Itoa(most)}, "last": {list[most-1]}}
			x.w.Header().Set("Link", "<"+x.url("tags/list?"+next.Encode())+`>; rel="next"`)
		}
	}
	return x.sendJSON("application/json", map[string]any{"name": x.path, "tags": list})
}

// tags are all tags of the repository, in order.
func (x *exchange) tags() ([]string, error) {
	in := &ecr.ListImagesInput{RepositoryName: &x.place.Repository, Filter: &types.ListImagesFilter{TagStatus: types.TagStatusTagged}, MaxResults: aws.Int32(1000)}
	api, err := x.open("ListImages", in)
	if err != nil {
		return nil, err
	}
	list := []string{}
	for pages := ecr.NewListImagesPaginator(api, in); pages.HasMorePages(); {
		out, err := pages.NextPage(x.r.Context())
		if err != nil {
			return nil, err
		}
		for _, id := range out.ImageIds {
			list = append(list, aws.ToString(id.ImageTag))
		}
	}
	slices.Sort(list)
	return list, x.Settle(x.r.Context())
}

// listReferrers lists what refers to an image, as an index.
func (x *exchange) listReferrers() error {
	if _, err := ParseDigest(x.item); err != nil {
		return err
	}
	in := &ecr.ListImageReferrersInput{RepositoryName: &x.place.Repository, SubjectId: &types.SubjectIdentifier{ImageDigest: &x.item}, MaxResults: aws.Int32(50)}
	if kind := x.r.URL.Query().Get("artifactType"); kind != "" {
		in.Filter = &types.ListImageReferrersFilter{ArtifactTypes: []string{kind}}
		x.w.Header().Set("Oci-Filters-Applied", "artifactType")
	}
	api, err := x.open("ListImageReferrers", in)
	if err != nil {
		return err
	}
	index := index{SchemaVersion: 2, MediaType: OCIIndex, Manifests: []descriptor{}}
	for more := true; more; more = in.NextToken != nil {
		out, err := api.ListImageReferrers(x.r.Context(), in)
		if err != nil {
			return err
		}
		for _, r := range out.Referrers {
			index.Manifests = append(index.Manifests, descriptor{
				MediaType: aws.ToString(r.MediaType), Digest: aws.ToString(r.Digest), Size: aws.ToInt64(r.Size),
				ArtifactType: aws.ToString(r.ArtifactType), Annotations: r.Annotations,
			})
		}
		in.NextToken = out.NextToken
	}
	if err := x.Settle(x.r.Context()); err != nil {
		return err
	}
	return x.sendJSON(OCIIndex, index)
}

// sendJSON sends a document.
func (x *exchange) sendJSON(kind string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", kind)
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = x.w.Write(body) // the client may be gone
	return nil
}
