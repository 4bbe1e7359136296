package registry

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"flyball/internal/wire"
)

// headBlob tells whether there is a layer.
func (x *exchange) headBlob() error {
	return x.sendBlob("BatchCheckLayerAvailability", &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: &x.place.Repository, LayerDigests: []string{x.item}})
}

// getBlob sends a layer, or the range of it that is asked for.
func (x *exchange) getBlob() error {
	return x.sendBlob("GetDownloadUrlForLayer", &ecr.GetDownloadUrlForLayerInput{RepositoryName: &x.place.Repository, LayerDigest: &x.item})
}

// slowest is how fast a client has to read, in bytes a second.
const slowest = 64 << 10

func (x *exchange) sendBlob(operation string, input any) error {
	d, err := ParseDigest(x.item)
	if err != nil {
		return err
	}
	api, err := x.open(operation, input)
	if err != nil {
		return err
	}
	file, err := api.Layer(x.r.Context(), x.place.Repository, d)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(patience + time.Duration(info.Size()/slowest)*time.Second))
	header := x.w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Docker-Content-Digest", x.item)
	header.Set("Etag", `"`+x.item+`"`)
	http.ServeContent(x.w, x.r, "", time.Time{}, file)
	return nil
}

// beginUpload begins an upload, which may be all there is, or not needed: where another
// repository has the layer.
func (x *exchange) beginUpload() error {
	query := x.r.URL.Query()
	api, err := x.openUploads()
	if err != nil {
		return err
	}
	if from := query.Get("from"); from != "" && query.Get("mount") != "" {
		if mounted, err := x.mount(from, query.Get("mount")); err != nil || mounted {
			return err
		}
	}
	out, err := api.InitiateLayerUpload(x.r.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: &x.place.Repository})
	if err != nil {
		return err
	}
	u, err := api.Upload(x.r.Context(), x.place.Repository, *out.UploadId)
	if err != nil {
		return err
	}
	if query.Get("digest") != "" {
		defer u.Cancel() // nobody else knows of it
		return x.finish(api, u, query.Get("digest"))
	}
	x.tellUpload(u.ID, 0, http.StatusAccepted)
	return nil
}

// openUploads opens the registry to begin an upload. A repository that is not there is
// made if a template says so, and the caller may.
func (x *exchange) openUploads() (ECR, error) {
	api, err := x.open("InitiateLayerUpload", &ecr.InitiateLayerUploadInput{RepositoryName: &x.place.Repository})
	if err != nil {
		return nil, err
	}
	_, err = api.ListImages(x.r.Context(), &ecr.ListImagesInput{RepositoryName: &x.place.Repository})
	if !hasCode(err, "RepositoryNotFoundException") {
		return api, err
	}
	maker, denied := x.open("CreateRepository", &ecr.CreateRepositoryInput{RepositoryName: &x.place.Repository})
	if denied != nil {
		return nil, err
	}
	return api, maker.CreateOnPush(x.r.Context(), x.place.Repository)
}

// mount takes a layer from another repository that is addressed as the caller's own is.
// What cannot be mounted is uploaded.
func (x *exchange) mount(from, digest string) (done bool, err error) {
	d, err := ParseDigest(digest)
	if err != nil {
		return false, err
	}
	place := x.Addressing().Find(wire.Hostname(x.r.Host), from)
	if place.Account != x.place.Account || place.Region != x.place.Region {
		return false, nil
	}
	api, err := x.caller.Open(x.r.Context(), place, "GetDownloadUrlForLayer", &ecr.GetDownloadUrlForLayerInput{RepositoryName: &place.Repository, LayerDigest: &digest})
	if err != nil {
		return false, nil
	}
	if api.MountLayer(x.r.Context(), place.Repository, x.place.Repository, d) != nil {
		return false, nil
	}
	x.tellBlob(digest)
	return true, nil
}

// upload finds the upload that the path names.
func (x *exchange) upload(operation string) (ECR, *Upload, error) {
	api, err := x.open(operation, &ecr.CompleteLayerUploadInput{RepositoryName: &x.place.Repository, UploadId: &x.item})
	if err != nil {
		return nil, nil, err
	}
	u, err := api.Upload(x.r.Context(), x.place.Repository, x.item)
	return api, u, err
}

// getUpload tells how far an upload has come.
func (x *exchange) getUpload() error {
	_, u, err := x.upload("UploadLayerPart")
	if err != nil {
		return err
	}
	size, _ := u.Parts()
	x.tellUpload(u.ID, size, http.StatusNoContent)
	return nil
}

// patchUpload continues an upload.
func (x *exchange) patchUpload() error {
	_, u, err := x.upload("UploadLayerPart")
	if err != nil {
		return err
	}
	size, err := x.receive(u)
	if err != nil {
		return err
	}
	x.tellUpload(u.ID, size, http.StatusAccepted)
	return nil
}

// putUpload ends an upload, with the last part if there is one.
func (x *exchange) putUpload() error {
	api, u, err := x.upload("CompleteLayerUpload")
	if err != nil {
		return err
	}
	return x.finish(api, u, x.r.URL.Query().Get("digest"))
}

// deleteUpload gives an upload up.
func (x *exchange) deleteUpload() error {
	_, u, err := x.upload("UploadLayerPart")
	if err != nil {
		return err
	}
	u.Cancel()
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// receive appends the body of the request to an upload. It takes as long as something
// comes.
func (x *exchange) receive(u *Upload) (size int64, err error) {
	at := int64(Anywhere)
	if given := x.r.Header.Get("Content-Range"); given != "" {
		if at, err = startOf(given, x.r.ContentLength); err != nil {
			return 0, err
		}
	}
	size, err = u.Append(at, &patientReader{x.r.Body, http.NewResponseController(x.w)})
	if err == ErrGap {
		x.tellRange(u.ID, size)
	}
	return size, err
}

// startOf is where a part begins that says where it lies, such as 0-99.
func startOf(given string, length int64) (int64, error) {
	head, tail, ok := strings.Cut(strings.TrimPrefix(given, "bytes "), "-")
	start, err1 := strconv.ParseInt(head, 10, 64)
	end, err2 := strconv.ParseInt(tail, 10, 64)
	switch {
	case !ok || err1 != nil || err2 != nil || start < 0 || end < start:
		return 0, refuse(http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "Content-Range has to be START-END.")
	case length >= 0 && end-start+1 != length:
		return 0, refuse(http.StatusBadRequest, "SIZE_INVALID", "Content-Range and Content-Length do not agree.")
	}
	return start, nil
}

// A patientReader reads what comes within a time that begins anew with each read.
type patientReader struct {
	io.Reader
	connection *http.ResponseController
}

func (p *patientReader) Read(b []byte) (int, error) {
	_ = p.connection.SetReadDeadline(time.Now().Add(patience))
	return p.Reader.Read(b)
}

// finish takes the last part and keeps the layer.
func (x *exchange) finish(api ECR, u *Upload, digest string) error {
	d, err := ParseDigest(digest)
	if err != nil {
		return err
	}
	if x.r.ContentLength != 0 {
		if _, err := x.receive(u); err != nil {
			return err
		}
	}
	if err := api.KeepLayer(x.r.Context(), x.place.Repository, u, d); err != nil {
		return err
	}
	x.tellBlob(digest)
	return nil
}

// tellUpload says where an upload goes on.
func (x *exchange) tellUpload(id string, size int64, status int) {
	x.tellRange(id, size)
	x.w.Header().Set("Docker-Upload-Uuid", id)
	x.w.WriteHeader(status)
}

func (x *exchange) tellRange(id string, size int64) {
	x.w.Header().Set("Location", x.url("blobs/uploads/"+id))
	x.w.Header().Set("Range", "0-"+strconv.FormatInt(max(size-1, 0), 10))
}

// tellBlob says where a layer is that has just been kept.
func (x *exchange) tellBlob(digest string) {
	x.w.Header().Set("Location", x.url("blobs/"+digest))
	x.w.Header().Set("Docker-Content-Digest", digest)
	x.w.WriteHeader(http.StatusCreated)
}
