package registry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"flyball/internal/wire"
)

// An ECR is the registry of a region of an account, as Amazon ECR's API has it, with
// its layers as files.
type ECR interface {
	BatchDeleteImage(context.Context, *ecr.BatchDeleteImageInput, ...func(*ecr.Options)) (*ecr.BatchDeleteImageOutput, error)
	BatchGetImage(context.Context, *ecr.BatchGetImageInput, ...func(*ecr.Options)) (*ecr.BatchGetImageOutput, error)
	InitiateLayerUpload(context.Context, *ecr.InitiateLayerUploadInput, ...func(*ecr.Options)) (*ecr.InitiateLayerUploadOutput, error)
	ListImageReferrers(context.Context, *ecr.ListImageReferrersInput, ...func(*ecr.Options)) (*ecr.ListImageReferrersOutput, error)
	ListImages(context.Context, *ecr.ListImagesInput, ...func(*ecr.Options)) (*ecr.ListImagesOutput, error)
	PutImage(context.Context, *ecr.PutImageInput, ...func(*ecr.Options)) (*ecr.PutImageOutput, error)

	// CreateOnPush makes a repository that is not there, if a template says so.
	CreateOnPush(ctx context.Context, repository string) error
	// Layer opens a layer of a repository.
	Layer(ctx context.Context, repository string, d Digest) (*os.File, error)
	// Upload finds an upload to a repository.
	Upload(ctx context.Context, repository, id string) (*Upload, error)
	// KeepLayer finishes an upload to a repository.
	KeepLayer(ctx context.Context, repository string, u *Upload, d Digest) error
	// MountLayer makes a layer of one repository one of another, too.
	MountLayer(ctx context.Context, from, repository string, d Digest) error
}

// A Caller is who has logged in.
type Caller interface {
	// Open is the registry of a place, if the caller may do there what an operation of
	// ECR's does with its input.
	Open(ctx context.Context, p Place, operation string, input any) (ECR, error)
}

// Options say how the registry meets the outside.
type Options struct {
	Addressing func() Addressing
	Secure     bool // it is reached over TLS
	// Login is who has a password.
	Login func(ctx context.Context, password string) (Caller, error)
	// Settle returns when all is on disk that an answer may tell of.
	Settle func(context.Context) error
	// Full, when set, says of an error that the disk takes no writes.
	Full func(error) (message string, full bool)
	Log  *slog.Logger
}

// A handler serves the registry's API under /v2/.
type handler struct{ Options }

// NewHandler serves the OCI distribution API under /v2/ to those who log in. Whether a
// request comes from a foreign web page is for wire.Guard to say.
func NewHandler(o Options) http.Handler { return &handler{o} }

// An exchange is a request by a caller and its answer.
type exchange struct {
	*handler
	w      http.ResponseWriter
	r      *http.Request
	caller Caller
	place  Place
	path   string // of the repository, as the client addresses it
	item   string // digest, reference or upload
}

// patience is how long a client may be silent while it sends, in real time.
const patience = time.Minute

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	// Without a connection, in tests, there is nothing to bound.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(patience))
	defer connection.SetWriteDeadline(time.Time{}) // the next request may take as long as it likes
	err := h.serve(w, r)
	if err == nil {
		return
	}
	refused := refusalOf(err)
	switch {
	case refused != nil:
	case r.Context().Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, io.ErrUnexpectedEOF):
		refused = refuse(http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "The request ended before its body.")
	case h.isFull(err) != nil:
		refused = h.isFull(err)
	default:
		h.Log.Error("registry request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		refused = refuse(http.StatusInternalServerError, "UNKNOWN", "The registry failed; its log says why.")
	}
	h.Log.Debug("registry request refused", "method", r.Method, "path", r.URL.Path, "reason", refused)
	refused.write(w)
}

// isFull is the refusal of what the disk does not take, or nil.
func (h *handler) isFull(err error) *refusal {
	if h.Full == nil {
		return nil
	}
	if message, full := h.Full(err); full {
		return refuse(http.StatusServiceUnavailable, "UNAVAILABLE", message)
	}
	return nil
}

// serve does everything up to the answer of an error.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) error {
	caller, err := h.login(w, r)
	if err != nil {
		return err
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	if !ok || path == "" {
		w.Header().Set("Content-Type", "application/json")
		_, err := io.WriteString(w, "{}")
		return err
	}
	x := &exchange{handler: h, w: w, r: r, caller: caller}
	var e endpoint
	if x.path, e, x.item = route(path); e == unknown {
		return refuse(http.StatusNotFound, "UNSUPPORTED", "The registry has no such path.")
	}
	x.place = h.Addressing().Find(wire.Hostname(r.Host), x.path)
	if !ValidName(x.place.Repository) {
		return refuse(http.StatusBadRequest, "NAME_INVALID", "The name of a repository has 2 to 256 characters: words of small letters and digits, joined by . _ __ - and /.")
	}
	method, ok := x.methods(e)[r.Method]
	if !ok {
		return refuse(http.StatusMethodNotAllowed, "UNSUPPORTED", "The registry does not do that here.")
	}
	return method()
}

// methods are what can be done with an endpoint.
func (x *exchange) methods(e endpoint) map[string]func() error {
	switch e {
	case blob:
		return map[string]func() error{http.MethodGet: x.getBlob, http.MethodHead: x.headBlob}
	case uploads:
		return map[string]func() error{http.MethodPost: x.beginUpload}
	case upload:
		return map[string]func() error{
			http.MethodGet: x.getUpload, http.MethodPatch: x.patchUpload, http.MethodPut: x.putUpload, http.MethodDelete: x.deleteUpload,
		}
	case manifest:
		return map[string]func() error{
			http.MethodGet: x.getManifest, http.MethodHead: x.getManifest, http.MethodPut: x.putManifest, http.MethodDelete: x.deleteManifest,
		}
	case tags:
		return map[string]func() error{http.MethodGet: x.listTags}
	}
	return map[string]func() error{http.MethodGet: x.listReferrers}
}

// TokenParameter is the parameter of a link that has a password in it, to read with.
const TokenParameter = "token"

// login is who makes a request. Without a password the client is told how to bring one.
func (h *handler) login(w http.ResponseWriter, r *http.Request) (Caller, error) {
	user, password, ok := r.BasicAuth()
	if token := r.URL.Query().Get(TokenParameter); !ok && r.Method == http.MethodGet {
		user, password, ok = User, token, token != ""
	}
	if !ok || user != User {
		scheme := "http://"
		if h.Secure {
			scheme = "https://"
		}
		w.Header().Set("Www-Authenticate", `Basic realm="`+scheme+r.Host+`/",service="ecr.amazonaws.com"`)
		return nil, refuse(http.StatusUnauthorized, "UNAUTHORIZED", "Log in as "+User+" with the password of GetAuthorizationToken.")
	}
	caller, err := h.Login(r.Context(), password)
	switch { // with the answers of Amazon ECR ("Amazon ECR troubleshooting")
	case errors.Is(err, ErrPassword):
		return nil, refuse(http.StatusBadRequest, "DENIED", "Your Authorization Token is invalid.")
	case errors.Is(err, ErrExpired):
		return nil, refuse(http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
	}
	return caller, err
}

// open is the registry of the request's place.
func (x *exchange) open(operation string, input any) (ECR, error) {
	return x.caller.Open(x.r.Context(), x.place, operation, input)
}

// url is the path of something in the repository, as the client addresses it.
func (x *exchange) url(rest string) string { return "/v2/" + x.path + "/" + rest }
