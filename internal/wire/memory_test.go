package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/flow"
)

// received has an exchange receive a body that is announced to have so many bytes.
func received(t *testing.T, budget *flow.Budget, announced int64, body io.Reader) (*exchange, *fault) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ContentLength = announced
	x := &exchange{r: r, memory: budget.Share()}
	var f *fault
	x.body, f = x.receive(defaultMaxBody)
	return x, f
}

func TestABodyTakesWhatHasComeAndNotWhatIsAnnounced(t *testing.T) {
	come := io.MultiReader(strings.NewReader("x"), brokenOff{})
	buf := new(bytes.Buffer)
	x := &exchange{r: httptest.NewRequest(http.MethodPost, "/", nil)}
	if f := x.fill(buf, filling{from: come, limit: defaultMaxBody, whole: defaultMaxBody}); f == nil {
		t.Error("a body that broke off was taken")
	}
	if buf.Cap() > leastBuffer {
		t.Errorf("a byte of 4 MiB that were announced took %d bytes", buf.Cap())
	}
}

// A brokenOff is a body that breaks off.
type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABodyOfAnySizeIsReceivedWhole(t *testing.T) {
	for _, size := range []int{0, 1, leastBuffer - 1, leastBuffer, leastBuffer + 1, 1 << 20, defaultMaxBody} {
		sent := bytes.Repeat([]byte("a"), size)
		for _, announced := range []int64{int64(size), -1} {
			x, f := received(t, newBodies(), announced, bytes.NewReader(sent))
			if f != nil {
				t.Errorf("%d bytes, announced as %d: %s", size, announced, f.message)
				continue
			}
			if !bytes.Equal(x.body.Bytes(), sent) {
				t.Errorf("of %d bytes came %d", size, x.body.Len())
			}
		}
	}
	if _, f := received(t, newBodies(), -1, bytes.NewReader(make([]byte, defaultMaxBody+1))); f == nil || f.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too large was answered with %v", f)
	}
}

func TestBodiesShareABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := flow.NewBudget(3<<20, bodiesPatience)
		first, f := received(t, budget, 1<<20, bytes.NewReader(make([]byte, 1<<20)))
		if f != nil {
			t.Fatal(f.message)
		}
		if _, f := received(t, budget, 4<<20, bytes.NewReader(make([]byte, 4<<20))); f == nil || f.code != "ThrottlingException" {
			t.Errorf("a body beyond the budget was answered with %v", f)
		}
		first.memory.Set(0)
	})
}

// packedZeros is a small gzip of many bytes.
func packedZeros(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPackedBodyIsUnpackedWithinTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			size   int
			budget int64
			want   string
		}{
			{1 << 20, 64 << 20, ""},
			{maxInflate, 64 << 20, ""},
			{maxInflate + 1, 0, "RequestEntityTooLargeException"},
			{1 << 28, 1 << 20, "RequestEntityTooLargeException"},
			{maxInflate, 8 << 20, "ThrottlingException"},
		} {
			packed := packedZeros(t, test.size)
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(packed))
			r.Header.Set("Content-Encoding", "gzip")
			x := &exchange{r: r, memory: flow.NewBudget(test.budget, bodiesPatience).Share()}
			body, f := x.receive(defaultMaxBody)
			if f == nil {
				body, f = x.unpacked(body)
			}
			code := ""
			if f != nil {
				code = f.code
			} else if body.Len() != test.size {
				t.Errorf("of %d bytes came %d", test.size, body.Len())
			}
			if code != test.want {
				t.Errorf("%d bytes in %d, with %d of memory: %q, want %q", test.size, len(packed), test.budget, code, test.want)
			}
		}
	})
}

// busy is a service for which there is no memory.
type busy struct{}

func (busy) DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	return nil, errors.New("the call was begun")
}

func (busy) ListQueues(context.Context, *sqs.ListQueuesInput, ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	return nil, errors.New("the call was begun")
}

func (busy) ListFunctions(context.Context, *lambda.ListFunctionsInput, ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	return nil, errors.New("the call was begun")
}

func TestACallForWhoseAnswerThereIsNoMemoryIsThrottledInTheServicesWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served, err := NewHandler(Options{}, ECS(always(busy{})), SQS(always(busy{})), Lambda(always(busy{})))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range served.(*handler).services {
			for _, op := range s.ops() {
				op.findings = flow.NewBudget(0, answersPatience)
			}
		}
		for _, test := range []struct {
			service, target, method, path, body string
			status                              int
			want                                string
		}{
			{"ecs", "AmazonEC2ContainerServiceV20141113.DescribeServices", "POST", "/", `{"services":["a"]}`, 400, "ThrottlingException"},
			{"sqs", "AmazonSQS.ListQueues", "POST", "/", `{}`, 403, "RequestThrottled"},
			{"lambda", "", "GET", "/2015-03-31/functions/", "", 429, "TooManyRequestsException"},
		} {
			r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			r.Host = "localhost"
			r.Header.Set("Authorization", strings.ReplaceAll(testAuthorization, "%s", test.service))
			if test.target != "" {
				r.Header.Set("X-Amz-Target", test.target)
			}
			w := httptest.NewRecorder()
			served.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Header().Get("X-Amzn-Errortype"), test.want) {
				t.Errorf("%s: %d %s %s, want %d %s", test.service, w.Code, w.Header().Get("X-Amzn-Errortype"), w.Body, test.status, test.want)
			}
		}
	})
}

func TestMemoryIsGivenBackWhenTheAnswerIsSent(t *testing.T) {
	served, err := NewHandler(Options{}, ECS(always(&fakeECS{})))
	if err != nil {
		t.Fatal(err)
	}
	h := served.(*handler)
	for range 3 * findings { // more than there is room for at once
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"services":["a"]}`))
		r.Host = "localhost"
		r.Header.Set("Authorization", strings.ReplaceAll(testAuthorization, "%s", "ecs"))
		r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	all := h.answers.Share()
	if !all.Grow(t.Context(), answersMemory) {
		t.Error("answers that were sent hold memory")
	}
}

func TestSmallAnswersDoNotWaitForLargeOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served, err := NewHandler(Options{}, ECS(always(&fakeECS{})))
		if err != nil {
			t.Fatal(err)
		}
		h := served.(*handler)
		h.answers = flow.NewBudget(0, answersPatience) // others have all of it
		op := h.services[0].ops()["DescribeServices"]
		for _, test := range []struct {
			largest int64
			want    int
		}{{0, http.StatusOK}, {largeAnswer - 1, http.StatusOK}, {largeAnswer, http.StatusBadRequest}} {
			op.largest.Store(test.largest)
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"services":["a"]}`))
			r.Host = "localhost"
			r.Header.Set("Authorization", strings.ReplaceAll(testAuthorization, "%s", "ecs"))
			r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.want {
				t.Errorf("after an answer of %d bytes: %d %s, want %d", test.largest, w.Code, w.Body, test.want)
			}
		}
	})
}

func TestAPackedBodyThatSaysLessThanItHasIsRefused(t *testing.T) {
	// Two of them after each other are one, whose end tells of the last.
	packed := append(packedZeros(t, maxInflate), packedZeros(t, 1)...)
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(packed))
	r.Header.Set("Content-Encoding", "gzip")
	x := &exchange{r: r, memory: newBodies().Share()}
	body, f := x.receive(defaultMaxBody)
	if f != nil {
		t.Fatal(f.message)
	}
	if _, f = x.unpacked(body); f == nil || f.code != "RequestEntityTooLargeException" {
		t.Errorf("answered with %v", f)
	}
}

func TestCallsThatWaitedDoNotFollowTheFirstLargeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handler{answers: flow.NewBudget(0, answersPatience)}
		op := &operation{reads: true, findings: flow.NewBudget(mostAnswer, answersPatience)}
		first, second := exchange{h: h, op: op}, exchange{h: h, op: op}
		for _, x := range []*exchange{&first, &second} {
			x.reply = h.answers.Share()
		}
		if !first.expect(t.Context()) {
			t.Fatal("the first call was not begun")
		}
		begun := make(chan bool)
		go func() { begun <- second.expect(t.Context()) }()
		synctest.Wait()
		op.largest.Store(4 * largeAnswer)
		first.finding.Set(0)
		if <-begun {
			t.Error("a call was begun for whose answer there is no room")
		}
		first.reply.Set(0)
		second.finding.Set(0)
	})
}

func TestFewCallsWithLargeAnswersAreCarriedOutAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handler{answers: newAnswers(), carried: newCarried()}
		op := &operation{reads: true, findings: newFindings()}
		op.largest.Store(largeAnswer)
		begun := make(chan *exchange)
		begin := func() {
			x := &exchange{h: h, op: op, r: httptest.NewRequest(http.MethodPost, "/", nil), reply: h.answers.Share()}
			if x.expect(t.Context()) {
				begun <- x
			}
		}
		var first *exchange
		for range carried() {
			go begin()
			first = <-begun
		}
		go begin()
		synctest.Wait()
		select {
		case <-begun:
			t.Errorf("more than %d were begun", carried())
		default:
		}
		first.note(bytes.NewBuffer(make([]byte, largeAnswer))) // it may wait for its client now
		(<-begun).note(new(bytes.Buffer))
	})
}

func TestACallThatWaitsHasNoLargeBuffer(t *testing.T) {
	large := bytes.NewBuffer(make([]byte, 0, maxKept))
	keep(large)
	if small := buffers.Get().(*bytes.Buffer); small.Cap() > smallKept {
		t.Errorf("a body that has not come has %d bytes", small.Cap())
	}
	x := &exchange{op: &operation{}}
	x.op.largest.Store(largeAnswer + 1)
	for range 3 { // whether or not a large buffer is there
		largeBuffers.Put(bytes.NewBuffer(make([]byte, 0, maxKept)))
		answer := x.written(func(b []byte) []byte { return append(b, "small"...) })
		if answer.Cap() > smallKept || answer.String() != "small" {
			t.Errorf("a small answer, %q, has %d bytes", answer, answer.Cap())
		}
	}
}

// A stuck client takes the first bytes of an answer, and then nothing until it leaves.
type stuck struct {
	*httptest.ResponseRecorder
	leave chan struct{}
}

func (s stuck) Write(p []byte) (int, error) {
	<-s.leave
	return 0, io.ErrClosedPipe
}

func TestAnAnswerThatNobodyTakesGivesWayToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served, err := NewHandler(Options{}, ECS(always(&fakeECS{})))
		if err != nil {
			t.Fatal(err)
		}
		h := served.(*handler)
		call := func(w http.ResponseWriter) (ended any) {
			defer func() { ended = recover() }()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"services":[`+strings.Repeat(`"a",`, 1000)+`"a"]}`))
			r.Host = "localhost"
			r.Header.Set("Authorization", strings.ReplaceAll(testAuthorization, "%s", "ecs"))
			r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices")
			h.ServeHTTP(w, r)
			return nil
		}
		whole := httptest.NewRecorder()
		call(whole)
		size := int64(whole.Body.Len())
		h.answers = flow.NewBudget(answerCopies*size, answersPatience) // room for one

		hostile, ended := stuck{httptest.NewRecorder(), make(chan struct{})}, make(chan any, 1)
		go func() { ended <- call(hostile) }()
		synctest.Wait()
		began, honest := time.Now(), httptest.NewRecorder()
		call(honest)
		if honest.Code != http.StatusOK || int64(honest.Body.Len()) != size || time.Since(began) > time.Second {
			t.Errorf("another call was answered after %v: %d, %d of %d bytes", time.Since(began), honest.Code, honest.Body.Len(), size)
		}
		close(hostile.leave)
		if got := <-ended; got != http.ErrAbortHandler {
			t.Errorf("the connection of an answer that was given up ended with %v", got)
		}
		if all := h.answers.Share(); !all.Grow(t.Context(), answerCopies*size) {
			t.Error("an answer that was given up holds memory")
		}
	})
}

func TestWhatFunctionsAnswerIsSentToSlowClientsWhileOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handler{answers: flow.NewBudget(0, answersPatience), results: newResults(), carried: newCarried()}
		answer := make([]byte, 6<<20)
		sent := make(chan error)
		for range 20 {
			go func() {
				x := &exchange{h: h, op: &operation{}, reply: h.answers.Share()}
				x.note(bytes.NewBuffer(answer))
				sent <- x.reply.Send(t.Context(), slow(200e3), answer, func() {})
				x.reply.Set(0)
			}()
		}
		synctest.Wait()
		reads := &exchange{h: h, op: &operation{reads: true}, r: httptest.NewRequest(http.MethodPost, "/", nil), reply: h.answers.Share()}
		reads.op.largest.Store(largeAnswer)
		if reads.expect(t.Context()) {
			t.Error("a call was begun for whose answer there is no room")
		}
		for range 20 {
			if err := <-sent; err != nil {
				t.Error(err)
			}
		}
	})
}

// A slow client takes so many bytes a second.
type slow int

func (s slow) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(len(p)) * time.Second / time.Duration(s))
	return len(p), nil
}
