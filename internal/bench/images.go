package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"flyball/internal/client"
)

const (
	imageRepository = "bench"
	layerBytes      = 1 << 30
	imageStarts     = 50
)

// images measures a push and a pull of a gibibyte, the memory that they take, and the time
// from RunTask until a program in a pushed image answers, once its image is unpacked.
func images(ctx context.Context, binary string) error {
	p, err := startAnew(ctx, binary)
	if err != nil {
		return err
	}
	defer p.end()
	r, err := openRepository(ctx, p.url)
	if err != nil {
		return err
	}
	if err := p.forgetPeak(); err != nil {
		return err
	}
	if err := r.transfer(ctx); err != nil {
		return err
	}
	if mib, err := p.peak(); err == nil {
		figure("memory_peak_of_push_and_pull", mib, "MiB")
	}
	reference, err := r.push(ctx, binary)
	if err != nil {
		return err
	}
	return starts(ctx, client.New(client.Config{Endpoint: p.url, Region: "us-east-1"}).ECS, reference)
}

// A repository is one of the server's registry, and a password for it.
type repository struct {
	url, password string
}

func openRepository(ctx context.Context, url string) (*repository, error) {
	api := ecr.New(ecr.Options{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("bench", "bench", ""),
	})
	if _, err := api.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String(imageRepository)}); err != nil {
		return nil, err
	}
	out, err := api.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return nil, err
	}
	token, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	_, password, _ := strings.Cut(string(token), ":")
	return &repository{url, password}, err
}

// transfer pushes a layer of random bytes and pulls it.
func (r *repository) transfer(ctx context.Context) error {
	layer := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{}), layerBytes) }
	sum := sha256.New()
	if _, err := io.Copy(sum, layer()); err != nil {
		return err
	}
	digest := fmt.Sprintf("sha256:%x", sum.Sum(nil))

	began := time.Now()
	started, err := r.call(ctx, http.MethodPost, r.url+"/v2/"+imageRepository+"/blobs/uploads/", nil)
	if err != nil {
		return err
	}
	started.Body.Close()
	to, err := started.Location()
	if err != nil {
		return err
	}
	query := to.Query()
	query.Set("digest", digest)
	to.RawQuery = query.Encode()
	pushed, err := r.call(ctx, http.MethodPut, to.String(), layer())
	if err != nil {
		return err
	}
	pushed.Body.Close()
	figure("push_1_gib", layerBytes/time.Since(began).Seconds()/(1<<20), "MiB/s")

	began = time.Now()
	pulled, err := r.call(ctx, http.MethodGet, r.url+"/v2/"+imageRepository+"/blobs/"+digest, nil)
	if err != nil {
		return err
	}
	defer pulled.Body.Close()
	if n, err := io.Copy(io.Discard, pulled.Body); err != nil || n != layerBytes {
		return fmt.Errorf("pull a layer: %d bytes: %w", n, err)
	}
	figure("pull_1_gib", layerBytes/time.Since(began).Seconds()/(1<<20), "MiB/s")
	return nil
}

// call makes a call of the registry's protocol that has to succeed.
func (r *repository) call(ctx context.Context, method, url string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth("AWS", r.password)
	resp, err := http.DefaultClient.Do(req)
	if err == nil && resp.StatusCode/100 != 2 {
		resp.Body.Close()
		err = fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return resp, err
}

// push pushes an image with nothing but a program, a web server, and returns its name.
func (r *repository) push(ctx context.Context, binary string) (string, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return "", err
	}
	var files bytes.Buffer
	tw := tar.NewWriter(&files)
	if err := tw.WriteHeader(&tar.Header{Name: "flyball", Mode: 0o755, Size: int64(len(program)), Typeflag: tar.TypeReg}); err != nil {
		return "", err
	}
	if _, err := tw.Write(program); err != nil {
		return "", err
	}
	if err := tw.Close(); err != nil {
		return "", err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil })
	if err != nil {
		return "", err
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{Entrypoint: []string{"/flyball", "workload", "web"}},
	})
	if err != nil {
		return "", err
	}
	image, err = mutate.AppendLayers(image, layer)
	if err != nil {
		return "", err
	}
	reference, err := name.ParseReference(strings.TrimPrefix(r.url, "http://") + "/" + imageRepository + ":latest")
	if err != nil {
		return "", err
	}
	return reference.String(), remote.Write(reference, image, remote.WithContext(ctx),
		remote.WithAuth(&authn.Basic{Username: "AWS", Password: r.password}))
}

// starts runs the image many times, one after the other.
func starts(ctx context.Context, api *ecs.Client, reference string) error {
	if _, err := api.CreateCluster(ctx, &ecs.CreateClusterInput{}); err != nil {
		return err
	}
	_, err := api.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("bench"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("web"), Image: &reference, Memory: aws.Int32(128),
			PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080)}},
			StopTimeout:  aws.Int32(2),
		}},
	})
	if err != nil {
		return err
	}
	var took []time.Duration
	for range imageStarts + 1 {
		d, err := startOnce(ctx, api)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	warm := took[1:] // the first unpacks the image
	figure("image_start_p50", quantile(warm, 0.5), "ms")
	figure("image_start_p99", quantile(warm, 0.99), "ms")
	return nil
}

// startOnce is the time from RunTask until the task answers.
func startOnce(ctx context.Context, api *ecs.Client) (time.Duration, error) {
	began := time.Now()
	out, err := api.RunTask(ctx, &ecs.RunTaskInput{TaskDefinition: aws.String("bench")})
	if err != nil {
		return 0, err
	}
	task := out.Tasks[0]
	defer api.StopTask(ctx, &ecs.StopTaskInput{Task: task.TaskArn})
	for aws.ToString(task.LastStatus) != "RUNNING" {
		if task.StoppedReason != nil {
			return 0, errors.New(*task.StoppedReason)
		}
		described, err := api.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: []string{*task.TaskArn}})
		if err != nil {
			return 0, err
		}
		task = described.Tasks[0]
	}
	address := net.JoinHostPort(*task.Containers[0].NetworkBindings[0].BindIP, fmt.Sprint(*task.Containers[0].NetworkBindings[0].HostPort))
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return time.Since(began), conn.Close()
		}
		if time.Since(began) > time.Minute {
			return 0, err
		}
	}
}
