package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"flyball/internal/client"
)

// adminKey is the administrator's of servers that admit known keys only.
var adminKey = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI"}

func knownKeysOnly(c *Config) {
	c.Administrator = &Administrator{adminKey.AccessKeyID, adminKey.SecretAccessKey}
}

// An ask is a request to one of the server's own paths, which is signed and then
// changed.
type ask struct {
	method, path string
	key          aws.Credentials
	service      string
	at           time.Time
	presigned    bool
	change       func(*http.Request)
}

// send answers with the status and the body.
func (a ask) send(t *testing.T, base string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(a.method, base+a.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	hash := hex.EncodeToString(sum[:])
	switch {
	case a.key.AccessKeyID == "":
	case a.presigned:
		q := r.URL.Query()
		q.Set("X-Amz-Expires", "60")
		r.URL.RawQuery = q.Encode()
		signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), a.key, r, hash, a.service, testRegion, a.at)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL, err = url.Parse(signed); err != nil {
			t.Fatal(err)
		}
	default:
		if err := v4.NewSigner().SignHTTP(t.Context(), a.key, r, hash, a.service, testRegion, a.at); err != nil {
			t.Fatal(err)
		}
	}
	if a.change != nil {
		a.change(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

const explainPath = "/console/api/explain?resource=service/shop/web"

// ownPaths are all that ask for a signature.
var ownPaths = []string{"/metrics", "/console/api/authority", "/console/api/clock", "/console/api/regions", explainPath, "/console/api/logs?task=x", "/console/api/log-lines?task=x"}

func TestOwnPathsAskForASignatureWhereKeysHaveToBeKnown(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := userWith(s.URL(), "", adminKey)
	wrong := aws.Credentials{AccessKeyID: adminKey.AccessKeyID, SecretAccessKey: "wrong"}
	unknown := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	bob := admin.createKey(t, "bob")
	token := bob
	token.SessionToken = "x"

	// Each is sent as whoever knows the key would send it, but for one thing.
	attacks := map[string]struct {
		change func(*ask)
		want   string
	}{
		"no signature":              {func(a *ask) { a.key = aws.Credentials{} }, "Missing Authentication Token"},
		"an unknown key":            {func(a *ask) { a.key = unknown }, "security token included in the request is invalid"},
		"a wrong secret":            {func(a *ask) { a.key = wrong }, "signature we calculated does not match"},
		"a session token too much":  {func(a *ask) { a.key = token }, "security token included in the request is invalid"},
		"a user without permission": {func(a *ask) { a.key = bob }, "user/bob is not authorized to perform: flyball:"},
		"a date of long ago":        {func(a *ask) { a.at = a.at.Add(-6 * time.Minute) }, "Signature expired"},
		"a date to come":            {func(a *ask) { a.at = a.at.Add(6 * time.Minute) }, "Signature not yet current"},
		"another service's":         {func(a *ask) { a.service = "ecs" }, "scoped to correct service: 'flyball'"},
		"a presigned URL, too late": {func(a *ask) { a.presigned, a.at = true, a.at.Add(-61*time.Second) }, "Signature expired"},
		"another query":             {func(a *ask) { a.change = func(r *http.Request) { r.URL.RawQuery += "&account=210987654321" } }, "does not match"},
		"another header": {func(a *ask) {
			a.change = func(r *http.Request) {
				r.Header.Set("X-Amz-Date", time.Now().UTC().Add(time.Second).Format("20060102T150405Z"))
			}
		}, "does not match"},
		"a header that is not signed": {func(a *ask) { a.change = func(r *http.Request) { r.Header.Set("X-Amz-Invented", "1") } }, "must be a 'SignedHeader'"},
		"a body": {func(a *ask) {
			a.change = func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), 1 }
		}, "does not match"},
		"a foreign origin": {func(a *ask) { a.change = func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") } }, "other origins are refused"},
		"a foreign name":   {func(a *ask) { a.change = func(r *http.Request) { r.Host = "evil.example" } }, "not a name of this server"},
	}
	for _, path := range ownPaths {
		for name, attack := range attacks {
			a := ask{method: http.MethodGet, path: path, key: adminKey, service: "flyball", at: time.Now()}
			attack.change(&a)
			if name == "another query" && !strings.Contains(path, "?") {
				continue // "?&account=" is no other query as AWS reads it
			}
			if status, body := a.send(t, s.URL()); status != http.StatusForbidden || !strings.Contains(strings.ToLower(body), strings.ToLower(attack.want)) {
				t.Errorf("%s with %s: %d %s, want 403 %s", path, name, status, body, attack.want)
			}
		}
		for _, presigned := range []bool{false, true} {
			a := ask{method: http.MethodGet, path: path, key: adminKey, service: "flyball", at: time.Now(), presigned: presigned}
			if status, body := a.send(t, s.URL()); status == http.StatusForbidden {
				t.Errorf("%s of the administrator: %d %s", path, status, body)
			}
		}
	}
	if status, body := (ask{method: http.MethodGet, path: "/healthz"}).send(t, s.URL()); status != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz without a signature: %d %s", status, body)
	}
}

func TestAUserAsksOwnPathsAsItsPoliciesSayAndOfItsOwnAccount(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	furnish(t, client.New(client.Config{Endpoint: url, Region: testRegion}))
	get := func(key aws.Credentials, path string) int {
		t.Helper()
		status, _ := ask{method: http.MethodGet, path: path, key: key, service: "flyball", at: time.Now()}.send(t, url)
		return status
	}
	bob := createUser(t, url, "bob", document("Allow", "flyball:Explain", "*", ""))
	role := callerOf(url, testRegion, "test").createRole(t, "web")
	all := callerOf(url, testRegion, "210987654321").createKey(t, "eve")
	embed(t, callerOf(url, testRegion, "210987654321"), "eve", "all", document("Allow", "*", "*", ""))
	for name, c := range map[string]struct {
		key  aws.Credentials
		path string
		want int
	}{
		"what is allowed":               {bob.key, explainPath, http.StatusOK},
		"what is not":                   {bob.key, "/console/api/clock", http.StatusForbidden},
		"another account's, by name":    {all, explainPath + "&account=" + testAccount, http.StatusBadRequest},
		"its own account's":             {all, explainPath, http.StatusBadRequest}, // there is nothing
		"the clock of another account":  {all, "/console/api/clock", http.StatusOK},
		"the metrics of all accounts":   {all, "/metrics", http.StatusForbidden},
		"a session without permissions": {callerOf(url, testRegion, "test").assume(t, &sts.AssumeRoleInput{RoleArn: role.Arn}), explainPath, http.StatusForbidden},
		"an unknown key":                {aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, explainPath, http.StatusOK},
		"no key":                        {aws.Credentials{}, explainPath, http.StatusOK},
		"no key, and metrics":           {aws.Credentials{}, "/metrics", http.StatusOK},
	} {
		if got := get(c.key, c.path); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// What tasks find is for them alone, since they sign nothing.
func TestThePathsOfTasksAreForThisMachine(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	c := client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: adminKey})
	furnish(t, c)
	tasks, err := c.ECS.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("shop")})
	if err != nil || len(tasks.TaskArns) == 0 {
		t.Fatal(tasks, err)
	}
	id := tasks.TaskArns[0][strings.LastIndexByte(tasks.TaskArns[0], '/')+1:]
	public := &Server{listeners: []net.Listener{listenerOn("192.0.2.7:4566")}}
	for address, want := range map[string]int{
		"127.0.0.1:4566": http.StatusOK, "[::1]:4566": http.StatusOK, "172.18.0.1:4566": http.StatusOK, "192.0.2.7:4566": http.StatusNotFound,
	} {
		local := listenerOn(address)
		r := httptest.NewRequest(http.MethodGet, "http://"+address+cellPath+testAccount+"/"+testRegion+"/ecs/metadata/v4/"+id+"-web/task", nil)
		r = r.WithContext(context.WithValue(public.withListener(local), http.LocalAddrContextKey, local.Addr()))
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("at %s: %d %s, want %d", address, w.Code, w.Body, want)
		}
	}
}

// A listenerAt is one at an address.
type listenerAt struct{ address net.Addr }

func listenerOn(address string) net.Listener {
	return listenerAt{net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))}
}

func (l listenerAt) Addr() net.Addr          { return l.address }
func (listenerAt) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (listenerAt) Close() error              { return nil }
