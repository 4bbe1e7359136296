package console_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/chromedp/chromedp"

	"flyball/internal/client"
	"flyball/internal/server"
)

// A load test is found from its target, seen while it goes on, and stopped.
func TestBrowserALoadTestIsSeenAsItHappens(t *testing.T) {
	chromium(t)
	s, stop := serve(t, "127.0.0.1:0", "", func(c *server.Config) { c.Speed = 10 })
	defer stop()
	c := client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"})
	if _, err := c.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("vouchers")}); err != nil {
		t.Fatal(err)
	}
	b := openTab(t, s.URL())
	b.visit("/console/queues")
	b.do(chromedp.Click(chromedp.CSS(`a[href*="load-tests?"]`)), chromedp.WaitVisible(chromedp.CSS(`input[name="name"][value="vouchers"]`)))
	b.do(chromedp.Click(chromedp.CSS(`button[value="workshop"]`)), chromedp.WaitVisible(chromedp.CSS("#stop button")))
	b.drawn()
	b.until(`document.querySelectorAll("[data-charts] canvas").length >= 3 && Number(document.querySelector("#figures dd").textContent) > 10`)
	b.seen("load-test")
	b.do(chromedp.Click(chromedp.CSS("#stop button")), chromedp.WaitVisible(chromedp.CSS("#state .steady")))
	if state := b.text("#state"); state != "stopped" {
		t.Errorf("it is %s", state)
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the pages have logged %q", complaints)
	}
}
