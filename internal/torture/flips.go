package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// A stock is clients of the services whose contents have files of their own.
type stock struct {
	queues    *sqs.Client
	logs      *cloudwatchlogs.Client
	metrics   *cloudwatch.Client
	functions *lambda.Client
	images    *ecr.Client
	from      time.Time // when its datapoints begin
}

func newStock(addr string, from time.Time) *stock {
	cfg := onceConfig(addr)
	return &stock{
		queues: sqs.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg), metrics: cloudwatch.NewFromConfig(cfg),
		functions: lambda.NewFromConfig(cfg), images: ecr.NewFromConfig(cfg), from: from,
	}
}

const stocked = "stock" // the name of all that a stock has

// fill puts something into each store.
func (s *stock) fill(ctx context.Context) error {
	return errors.Join(s.fillQueue(ctx), s.fillLogs(ctx), s.fillMetrics(ctx), s.fillFunction(ctx), s.fillDeliveries(ctx), s.fillImages(ctx))
}

func (s *stock) fillQueue(ctx context.Context) error {
	q, err := s.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(stocked)})
	for i := 0; err == nil && i < 50; i++ {
		_, err = s.queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String(fmt.Sprintf("message %d %s", i, strings.Repeat("x", 100)))})
	}
	return err
}

func (s *stock) fillLogs(ctx context.Context) error {
	_, err := s.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(stocked)})
	if err == nil {
		_, err = s.logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(stocked), LogStreamName: aws.String(stocked)})
	}
	for i := 0; err == nil && i < 20; i++ {
		_, err = s.logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: aws.String(stocked), LogStreamName: aws.String(stocked),
			LogEvents: []logtypes.InputLogEvent{{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: aws.String(fmt.Sprintf("line %d %s", i, strings.Repeat("y", 200)))}},
		})
	}
	return err
}

func (s *stock) fillMetrics(ctx context.Context) (err error) {
	for i := 0; err == nil && i < 20; i++ {
		_, err = s.metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String(stocked), MetricData: []cwtypes.MetricDatum{
			{MetricName: aws.String(fmt.Sprint("metric-", i)), Value: aws.Float64(float64(i)), Timestamp: aws.Time(s.from.Add(time.Minute))},
		}})
	}
	return err
}

func (s *stock) fillFunction(ctx context.Context) error {
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	f, err := z.Create("index.py")
	if err != nil {
		return err
	}
	fmt.Fprint(f, strings.Repeat("def handler(event, context): return event\n", 50))
	if err := z.Close(); err != nil {
		return err
	}
	_, err = s.functions.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String(stocked), Runtime: lambdatypes.RuntimePython312, Handler: aws.String("index.handler"),
		Role: aws.String("arn:aws:iam::123456789012:role/stock"), Code: &lambdatypes.FunctionCode{ZipFile: zipped.Bytes()},
	})
	return err
}

// fillDeliveries has events wait for the function, which takes none.
func (s *stock) fillDeliveries(ctx context.Context) error {
	_, err := s.functions.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String(stocked), ReservedConcurrentExecutions: aws.Int32(0)})
	for i := 0; err == nil && i < 20; i++ {
		_, err = s.functions.Invoke(ctx, &lambda.InvokeInput{
			FunctionName: aws.String(stocked), InvocationType: lambdatypes.InvocationTypeEvent, Payload: fmt.Appendf(nil, `{"event":%d,"text":%q}`, i, strings.Repeat("z", 100)),
		})
	}
	return err
}

func (s *stock) fillImages(ctx context.Context) error {
	name := aws.String(stocked)
	if _, err := s.images.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: name}); err != nil {
		return err
	}
	layer := func(content []byte) (digest string, err error) {
		up, err := s.images.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: name})
		if err == nil {
			_, err = s.images.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{RepositoryName: name, UploadId: up.UploadId, PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(content)) - 1), LayerPartBlob: content})
		}
		digest = fmt.Sprintf("sha256:%x", sha256.Sum256(content))
		if err == nil {
			_, err = s.images.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{RepositoryName: name, UploadId: up.UploadId, LayerDigests: []string{digest}})
		}
		return digest, err
	}
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)
	content := bytes.Repeat([]byte("layer"), 1000)
	configDigest, err1 := layer(config)
	contentDigest, err2 := layer(content)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":%d,"digest":%q},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":%d,"digest":%q}]}`,
		len(config), configDigest, len(content), contentDigest)
	_, err := s.images.PutImage(ctx, &ecr.PutImageInput{RepositoryName: name, ImageManifest: &manifest, ImageTag: aws.String("v1")})
	return err
}

// look reads what there is. What cannot be read is an error in its place.
func (s *stock) look(ctx context.Context) map[string]string {
	seen := map[string]string{}
	for what, read := range map[string]func(context.Context) (string, error){
		"queue": s.lookQueue, "logs": s.lookLogs, "metrics": s.lookMetrics, "function": s.lookFunction, "image": s.lookImage,
	} {
		text, err := read(ctx)
		if err != nil {
			text = "error: " + err.Error()
		}
		seen[what] = text
	}
	return seen
}

func (s *stock) lookQueue(ctx context.Context) (string, error) {
	q, err := s.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(stocked)})
	if err != nil {
		return "", err
	}
	var bodies []string
	for {
		got, err := s.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600})
		if err != nil || len(got.Messages) == 0 {
			slices.Sort(bodies)
			return strings.Join(bodies, "\n"), err
		}
		for _, m := range got.Messages {
			bodies = append(bodies, *m.Body)
		}
	}
}

func (s *stock) lookLogs(ctx context.Context) (string, error) {
	out, err := s.logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String(stocked), LogStreamName: aws.String(stocked), StartFromHead: aws.Bool(true)})
	if err != nil {
		return "", err
	}
	var lines []string
	for _, e := range out.Events {
		lines = append(lines, fmt.Sprint(*e.Timestamp, *e.Message))
	}
	return strings.Join(lines, "\n"), nil
}

func (s *stock) lookMetrics(ctx context.Context) (string, error) {
	var values []string
	for i := range 20 {
		out, err := s.metrics.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String(stocked), MetricName: aws.String(fmt.Sprint("metric-", i)), Period: aws.Int32(60), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
			StartTime: &s.from, EndTime: aws.Time(s.from.Add(5 * time.Minute)),
		})
		if err != nil {
			return "", err
		}
		for _, p := range out.Datapoints {
			values = append(values, fmt.Sprint(i, *p.Sum))
		}
	}
	return strings.Join(values, "\n"), nil
}

func (s *stock) lookFunction(ctx context.Context) (string, error) {
	out, err := s.functions.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(stocked)})
	if err != nil {
		return "", err
	}
	return *out.Configuration.CodeSha256 + fmt.Sprint(out.Configuration.CodeSize), nil
}

func (s *stock) lookImage(ctx context.Context) (string, error) {
	out, err := s.images.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String(stocked), ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String("v1")}}})
	if err != nil || len(out.Images) == 0 {
		return "", errors.Join(err, errors.New("no image"))
	}
	return *out.Images[0].ImageManifest, nil
}

// A flip is a bit of a file in a data folder.
type flip struct {
	file string // below the folder
	bit  int64
}

// mustBeTold says whether the flip is to be told of whatever the services show: what waits to be
// delivered is shown by none.
func (f flip) mustBeTold() bool { return strings.HasPrefix(f.file, "deliveries/") }

func (f flip) String() string { return fmt.Sprintf("bit %d of %s", f.bit, f.file) }

// flipBit flips a bit of a file in a folder, whether or not its server runs: of the files
// that have a checksum. Logs of tasks are what programs write themselves; a lock and a
// shared index of the database have no content.
func flipBit(folder string, rng *rand.Rand) (f flip, err error) {
	var files []string
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name := entry.Name()
		if info, err := entry.Info(); err == nil && info.Size() > 0 && name != "lock" && name != "reserve" && !strings.HasSuffix(name, "-shm") && filepath.Base(filepath.Dir(filepath.Dir(path))) != "tasks" {
			files = append(files, path)
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		return f, errors.Join(err, errors.New("there is no file to be changed"))
	}
	path := files[rng.IntN(len(files))]
	content, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	f.bit = rng.Int64N(int64(len(content)) * 8)
	if f.file, err = filepath.Rel(folder, path); err != nil {
		return f, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return f, err
	}
	_, err = file.WriteAt([]byte{content[f.bit/8] ^ 1<<(f.bit%8)}, f.bit/8)
	return f, errors.Join(err, file.Close())
}

// flips fills a server, kills it, and starts it on copies of its folder in each of which a
// bit was flipped. All that is there is there, or the server says what is not.
func flips(ctx context.Context, r *run) error {
	f := &flipped{run: r, whole: filepath.Join(r.dir, "whole"), from: time.Now().Truncate(time.Minute)}
	if err := f.stockUp(ctx); err != nil {
		return err
	}
	err := r.repeat(ctx, f.once)
	log.Printf("%d of %d flipped bits were told of", f.toldOf, r.attempts)
	return err
}

// flipped is a server whose folder is damaged.
type flipped struct {
	*run
	whole  string            // a copy of the folder before
	from   time.Time         // when its datapoints begin
	want   map[string]string // what the server shows of it
	toldOf int               // damages that the server has told of
}

// stockUp fills a server, kills it, and sees what it shows after that.
func (f *flipped) stockUp(ctx context.Context) error {
	p, err := f.launch(ctx)
	if err != nil {
		return err
	}
	defer p.kill()
	if err := newStock(f.addr, f.from).fill(ctx); err != nil {
		return err
	}
	pause(ctx, 2*time.Second) // datapoints are on disk within a second
	p.kill()
	if err := os.CopyFS(f.whole, os.DirFS(f.data)); err != nil {
		return err
	}
	again, err := f.launch(ctx)
	if err != nil {
		return err
	}
	defer again.kill()
	f.want = newStock(f.addr, f.from).look(ctx)
	return nil
}

// once flips a bit of a new copy of the folder, and starts the server there.
func (f *flipped) once(ctx context.Context, n int) error {
	if err := errors.Join(os.RemoveAll(f.data), os.CopyFS(f.data, os.DirFS(f.whole))); err != nil {
		return err
	}
	bit, err := flipBit(f.data, f.rng)
	if err != nil {
		return err
	}
	faults, err := f.lookAfter(ctx, bit)
	f.report(n, faults...)
	return err
}

// lookAfter starts a server on the damaged folder, and finds what is wrong without a word.
func (f *flipped) lookAfter(ctx context.Context, bit flip) (faults []fault, err error) {
	p, err := start(f.options, f.addr, f.data, f.mark)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	var seen map[string]string
	if _, err := p.ready(ctx); err == nil {
		seen = newStock(f.addr, f.from).look(ctx)
	}
	p.kill()
	if line := panics(p.log.all()); line != "" {
		faults = append(faults, fault{panicked, bit.String(), fmt.Sprintf("%v: %s", bit, line)})
	}
	text := strings.Join(slices.DeleteFunc(p.log.all(), func(line string) bool { return !strings.Contains(line, f.data) }), "\n")
	if strings.Contains(text, "damaged") || strings.Contains(text, "lost") {
		f.toldOf++
		return faults, ctx.Err()
	}
	if bit.mustBeTold() {
		faults = append(faults, fault{silent, bit.String(), fmt.Sprintf("%v: the log says %s", bit, oneLine(p.log.last()))})
	}
	for what := range f.want {
		if seen[what] != f.want[what] {
			faults = append(faults, fault{silent, bit.String() + what, fmt.Sprintf("%v: the %s is %s in place of %s; the log says %s", bit, what, oneLine(seen[what]), oneLine(f.want[what]), oneLine(p.log.last()))})
		}
	}
	return faults, ctx.Err()
}
