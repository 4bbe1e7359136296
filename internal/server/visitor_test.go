package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// A visit is what another user's program asks of a server, and what comes of it.
type visit struct {
	Key     aws.Credentials
	Path    string // of the server's own; empty calls ECS
	Status  int
	Message string
}

// visitsOf is the variable that has a program make visits and print what comes of them.
const visitsOf = "FLYBALL_TEST_VISITS"

// another runs the test that calls it once more, as another user, to make the visits.
func another(t *testing.T, base string, visits []visit) []visit {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root starts programs as another user")
	}
	text, err := json.Marshal(visits)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", "^TestVisitsAreMadeAsAnotherUser$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), visitsOf+"="+base+" "+string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}}
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	_, answer, ok := strings.Cut(string(out), visitsOf+" ")
	if !ok {
		t.Skipf("this program may not be run as another user: %v %s %s", err, out, problem.String())
	}
	answer, _, _ = strings.Cut(answer, "\n")
	if err := json.Unmarshal([]byte(answer), &visits); err != nil {
		t.Fatal(err)
	}
	return visits
}

func TestVisitsAreMadeAsAnotherUser(t *testing.T) {
	given, ok := os.LookupEnv(visitsOf)
	if !ok {
		t.Skip("for other tests")
	}
	base, text, _ := strings.Cut(given, " ")
	var visits []visit
	if err := json.Unmarshal([]byte(text), &visits); err != nil {
		t.Fatal(err)
	}
	for i := range visits {
		v := &visits[i]
		if v.Path != "" {
			v.Status, v.Message = ask{method: http.MethodGet, path: v.Path, key: v.Key, service: "flyball", at: time.Now()}.send(t, base)
			continue
		}
		v.Status = http.StatusOK
		if _, err := userWith(base, "", v.Key).ecs.ListClusters(t.Context(), &ecs.ListClustersInput{}); err != nil {
			v.Status, v.Message = http.StatusForbidden, err.Error()
		}
	}
	answer, _ := json.Marshal(visits)
	os.Stdout.WriteString(visitsOf + " " + string(answer) + "\n")
}

func TestAnotherUserCallsWithAKeyThatTheServerHasIssued(t *testing.T) {
	test := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	base, stop := serving(t, "")
	defer stop()
	u := createUser(t, base, "bob", document("Allow", "*", "*", ""))
	wrong := u.key
	wrong.SecretAccessKey = "wrong"
	visits := []visit{{Key: test}, {Key: wrong}, {Key: u.key}}
	for _, path := range ownPaths {
		visits = append(visits, visit{Path: path}, visit{Path: path, Key: test}, visit{Path: path, Key: u.key})
	}
	const refusal = "The call comes from a program of user 12345, and this server was started by user root (0)"
	for _, v := range another(t, base, visits) {
		switch {
		case v.Key == u.key:
			if v.Status == http.StatusForbidden {
				t.Errorf("%s with an issued key: %s", v.Path, v.Message)
			}
		case v.Status != http.StatusForbidden, v.Key == wrong && !strings.Contains(v.Message, "signature we calculated does not match"),
			v.Key != wrong && (!strings.Contains(v.Message, refusal) || !strings.Contains(v.Message, "--allow-other-users")):
			t.Errorf("%s with key %q: %d %s", v.Path, v.Key.AccessKeyID, v.Status, v.Message)
		case v.Key == test && v.Path == "" && !strings.Contains(v.Message, "UnrecognizedClientException"):
			t.Error(v.Message)
		}
	}
}

func TestOtherUsersMayBeAllowed(t *testing.T) {
	s := open(t, "", func(c *Config) { c.AllowOtherUsers = true })
	defer running(t, s)()
	for _, v := range another(t, s.URL(), []visit{{Key: aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}}, {Path: "/console/api/clock"}}) {
		if v.Status != http.StatusOK {
			t.Errorf("%d %s", v.Status, v.Message)
		}
	}
}

func TestWhoeverStartedTheServerCallsWithAnyKey(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	if u, err := url.Parse(base); err != nil || !isLoopback(u.Hostname()) {
		t.Fatal(base, err)
	}
	if who := callerOf(base, "us-east-1", "test").who(t); who != "arn:aws:iam::"+testAccount+":root" {
		t.Error(who)
	}
}
