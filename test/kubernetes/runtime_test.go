package kubernetes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// A server runs tasks as pods of a namespace, with the rights that the documentation gives it.
type server struct {
	*exec.Cmd
	url  string
	said *bytes.Buffer
}

func startServer(t *testing.T, namespace, kubeconfig, data string) *server {
	t.Helper()
	s := &server{exec.Command(flyball, "serve", "--addr", "127.0.0.1:0", "--data", data, "--runtime", "kubernetes", "--kubeconfig", kubeconfig,
		"--kubernetes-namespace", namespace, "--kubernetes-image", "flyball/test"), "", &bytes.Buffer{}}
	s.Stderr = s.said
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("a server said:\n%s", s.said)
		}
	})
	late := time.AfterFunc(2*time.Minute, func() { _ = s.Process.Kill() }) // which ends what is read
	defer late.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v\n%s", err, s.said)
	}
	s.url = strings.TrimSpace(strings.TrimPrefix(line, "ready "))
	return s
}

// kill ends it at once.
func (s *server) kill() {
	_ = s.Process.Kill() // it may have ended
	_ = s.Wait()
}

// ecs makes a call of ECS.
func (s *server) ecs(t *testing.T, operation, body string) string {
	t.Helper()
	call, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	call.Header.Set("Content-Type", "application/x-amz-json-1.1")
	call.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	call.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(call)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s, %v", operation, answer.Status, text, err)
	}
	return string(text)
}

// runtimeRole is the manifest in the documentation.
func runtimeRole(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "tasks.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, from, _ := strings.Cut(string(page), "```yaml\n")
	manifest, _, found := strings.Cut(from, "```")
	if !found {
		t.Fatal("docs/tasks.md has no manifest")
	}
	return manifest
}

// kubeconfigOf is the way of a service account to the API server.
func kubeconfigOf(t *testing.T, namespace, account string) string {
	t.Helper()
	token, err := client(t).CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config, path := shared.Config(), filepath.Join(t.TempDir(), "kubeconfig")
	err = clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:  map[string]*clientcmdapi.Cluster{"c": {Server: config.Host, CertificateAuthority: config.CAFile, CertificateAuthorityData: config.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"c": {Token: token.Status.Token}},
		Contexts:  map[string]*clientcmdapi.Context{"c": {Cluster: "c", AuthInfo: "c"}}, CurrentContext: "c",
	}, path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// runningPods are the names of the pods of a service that run and stay.
func runningPods(ctx context.Context, t *testing.T, namespace string) (names []string, err error) {
	t.Helper()
	list, err := client(t).CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "flyball.dev/service=web"})
	if err != nil {
		return nil, err
	}
	for _, p := range list.Items {
		if p.Status.Phase == corev1.PodRunning && p.DeletionTimestamp == nil {
			names = append(names, p.Name)
		}
	}
	return names, nil
}

func TestTasksArePods(t *testing.T) {
	namespace, ctx, data := newNamespace(t), t.Context(), t.TempDir()
	if err := newApplier(t).apply(namespace, strings.ReplaceAll(runtimeRole(t), "shop", namespace)); err != nil {
		t.Fatal(err)
	}
	kubeconfig := kubeconfigOf(t, namespace, "flyball")
	var pods []string
	await := func(n int, what string) {
		t.Helper()
		eventually(t, time.Minute, what, func() (err error) {
			if pods, err = runningPods(ctx, t, namespace); err == nil && len(pods) != n {
				err = fmt.Errorf("%d pods run", len(pods))
			}
			return err
		})
	}
	s := startServer(t, namespace, kubeconfig, data)
	s.ecs(t, "CreateCluster", `{"clusterName":"demo"}`)
	s.ecs(t, "RegisterTaskDefinition", `{"family":"web","cpu":"256","memory":"512","containerDefinitions":[{"name":"web","image":"flyball/web","essential":true,"portMappings":[{"containerPort":8080}]}]}`)
	s.ecs(t, "CreateService", `{"cluster":"demo","serviceName":"web","taskDefinition":"web","desiredCount":2}`)
	await(2, "a pod for each of two tasks")
	eventually(t, time.Minute, "two running tasks", func() error {
		if text := s.ecs(t, "DescribeServices", `{"cluster":"demo","services":["web"]}`); !strings.Contains(text, `"runningCount":2`) {
			return fmt.Errorf("the service is %s", text)
		}
		return nil
	})
	before := pods

	s.kill()
	s = startServer(t, namespace, kubeconfig, data)
	s.ecs(t, "UpdateService", `{"cluster":"demo","service":"web","desiredCount":3}`)
	await(3, "one more pod after a kill")
	for _, name := range before {
		if !strings.Contains(strings.Join(pods, " "), name) {
			t.Errorf("the next server did not take up %s: there are %v", name, pods)
		}
	}

	lost := pods[0]
	if err := client(t).CoreV1().Pods(namespace).Delete(ctx, lost, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "a pod in the place of one that was deleted", func() (err error) {
		if pods, err = runningPods(ctx, t, namespace); err == nil && (len(pods) != 3 || strings.Contains(strings.Join(pods, " "), lost)) {
			err = fmt.Errorf("%v run, and %s was deleted", pods, lost)
		}
		return err
	})
	stopped := s.ecs(t, "ListTasks", `{"cluster":"demo","desiredStatus":"STOPPED"}`)
	var of struct{ TaskArns []string }
	if err := json.Unmarshal([]byte(stopped), &of); err != nil || len(of.TaskArns) != 1 {
		t.Fatalf("the stopped tasks are %s, %v", stopped, err)
	}
	if text := s.ecs(t, "DescribeTasks", fmt.Sprintf(`{"cluster":"demo","tasks":[%q]}`, of.TaskArns[0])); !strings.Contains(text, `"stoppedReason":"The pod was deleted from the cluster"`) {
		t.Errorf("the task of the pod that was deleted is %s", text)
	}

	s.ecs(t, "UpdateService", `{"cluster":"demo","service":"web","desiredCount":0}`)
	await(0, "no pods")
}
