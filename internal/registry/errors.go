package registry

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/aws/smithy-go"
)

// A refusal is an error in the words of the OCI distribution specification ("Error
// codes").
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// refuse makes a refusal.
func refuse(status int, code, message string) *refusal { return &refusal{status, code, message} }

// words are the codes of Amazon ECR's API in those of the specification.
var words = map[string]refusal{
	"AccessDeniedException":             {http.StatusForbidden, "DENIED", ""},
	"ImageDigestDoesNotMatchException":  {http.StatusBadRequest, "DIGEST_INVALID", ""},
	"ImageNotFoundException":            {http.StatusNotFound, "MANIFEST_UNKNOWN", ""},
	"ImageTagAlreadyExistsException":    {http.StatusBadRequest, "TAG_INVALID", ""},
	"InvalidLayerException":             {http.StatusBadRequest, "DIGEST_INVALID", ""},
	"InvalidParameterException":         {http.StatusBadRequest, "MANIFEST_INVALID", ""},
	"LayersNotFoundException":           {http.StatusNotFound, "BLOB_UNKNOWN", ""},
	"LimitExceededException":            {http.StatusTooManyRequests, "TOOMANYREQUESTS", ""},
	"ReferencedImagesNotFoundException": {http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", ""},
	"RepositoryNotFoundException":       {http.StatusNotFound, "NAME_UNKNOWN", ""},
	"UnrecognizedClientException":       {http.StatusForbidden, "DENIED", ""},
	"UploadNotFoundException":           {http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", ""},
}

// flaws are the errors of uploads in the words of the specification.
var flaws = []struct {
	err    error
	status int
	code   string
}{
	{ErrBusy, http.StatusConflict, "BLOB_UPLOAD_INVALID"},
	{ErrGap, http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID"},
	{ErrMismatch, http.StatusBadRequest, "DIGEST_INVALID"},
	{ErrDigest, http.StatusBadRequest, "DIGEST_INVALID"},
	{ErrTooLarge, http.StatusRequestEntityTooLarge, "SIZE_INVALID"},
	{ErrUploads, http.StatusTooManyRequests, "TOOMANYREQUESTS"},
	{ErrUpload, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN"},
}

// refusalOf is an error in the words of the specification, or nil for one that is no
// client's fault.
func refusalOf(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	for _, f := range flaws {
		if errors.Is(err, f.err) {
			return refuse(f.status, f.code, f.err.Error())
		}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if r, ok := words[api.ErrorCode()]; ok {
			return refuse(r.status, r.code, api.ErrorMessage())
		}
	}
	return nil
}

// hasCode tells whether an error is one of Amazon ECR's API.
func hasCode(err error, code string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == code
}

// write answers with the refusal.
func (r *refusal) write(w http.ResponseWriter) {
	type problem struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, _ := json.Marshal(map[string][]problem{"errors": {{r.code, r.message}}})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(r.status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}
