package server

import (
	"bytes"
	"errors"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/client"
)

// The file of a trace is the course of a load test, and what is none is refused.
func TestALoadTestTakesItsCourseFromAFile(t *testing.T) {
	base, stop := serving(t, "")
	defer stop()
	c := client.New(client.Config{Endpoint: base, Region: testRegion})
	if _, err := c.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("vouchers")}); err != nil {
		t.Fatal(err)
	}
	send := func(file string) (int, string) {
		t.Helper()
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for name, value := range map[string]string{"kind": "queue", "name": "vouchers", "unit": "rate", "pattern": "trace", "level": "10", "ramp": "0s", "duration": "1m"} {
			if err := w.WriteField(name, value); err != nil {
				t.Fatal(err)
			}
		}
		part, err := w.CreateFormFile("file", "requests.csv")
		if err == nil {
			_, err = io.WriteString(part, file)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, base+"/console/load-tests", &body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", w.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, html.UnescapeString(string(text))
	}
	for name, file := range map[string]string{
		"nothing": "", "no table": "what is this?", "no load": "time,requests\n2026-01-01T00:00:00Z,0\n2026-01-01T00:01:00Z,0\n", "too much": strings.Repeat("a", 5<<20),
	} {
		if status, body := send(file); status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge && status != http.StatusForbidden || strings.Contains(body, "id=\"stop\"") {
			t.Errorf("%s: %d %s", name, status, problemsIn(body))
		}
	}
	status, body := send("time,requests\n2026-01-01T00:00:00Z,10\n2026-01-01T00:01:00Z,40\n2026-01-01T00:02:00Z,20\n")
	if status != http.StatusOK || !strings.Contains(body, "trace to 10 a second") {
		t.Errorf("a trace: %d %s", status, problemsIn(body))
	}
}
