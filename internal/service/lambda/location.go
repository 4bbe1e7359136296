package lambda

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/damage"
	"flyball/internal/endpoint"
	"flyball/internal/service/lambda/code"
)

// CodePath begins the paths at which code is: those of a cell go on with its scope, and
// then a digest.
const CodePath = "/lambda/code/"

// locationTime is how long the URL of code is good for, of real time ("GetFunction").
const locationTime = 10 * time.Minute

// location tells where the code of a version is.
func (a *API) location(ctx context.Context, v version) *types.FunctionCodeLocation {
	if v.Code.Folder != "" {
		path := url.URL{Scheme: "file", Path: v.Code.Folder}
		return &types.FunctionCodeLocation{RepositoryType: aws.String("Folder"), Location: aws.String(path.String())}
	}
	until := strconv.FormatInt(time.Now().Add(locationTime).Unix(), 10)
	query := url.Values{"Expires": {until}, "Signature": {a.signed(v.Code.Digest, until)}}
	at := endpoint.URL(ctx, a.cfg.Endpoint) + CodePath + a.cell.Scope() + v.Code.Digest + "?" + query.Encode()
	return &types.FunctionCodeLocation{RepositoryType: aws.String("S3"), Location: &at}
}

// signed is the mark of a URL of code that is good until a time.
func (a *API) signed(digest, until string) string {
	mac := hmac.New(sha256.New, a.mark)
	mac.Write([]byte(digest + " " + until))
	return hex.EncodeToString(mac.Sum(nil))
}

// ServeCode answers a request for the URL of code, whose digest the path ends with.
func (a *API) ServeCode(w http.ResponseWriter, r *http.Request, digest string) {
	until := r.FormValue("Expires")
	seconds, err := strconv.ParseInt(until, 10, 64)
	if err != nil || !hmac.Equal([]byte(r.FormValue("Signature")), []byte(a.signed(digest, until))) || time.Now().Unix() > seconds {
		http.Error(w, "The URL is not signed, or it has expired: ask GetFunction for another one.", http.StatusForbidden)
		return
	}
	f, err := a.cfg.Code.Package(code.Reference{Digest: digest})
	if wrong, ok := errors.AsType[*damage.Error](err); ok {
		http.Error(w, wrong.Error(), http.StatusInternalServerError)
		return
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	http.ServeContent(w, r, "", time.Time{}, f)
}
