package console_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/chromedp/chromedp"

	"flyball/internal/client"
)

// Accounts and regions are chosen in the header, and stay chosen from page to page.
func TestBrowserAnAccountIsChosen(t *testing.T) {
	chromium(t)
	s, stop := serve(t, "127.0.0.1:0", "", nil)
	defer stop()
	for account, regions := range map[string][]string{"123456789012": {"us-east-1"}, "210987654321": {"us-east-1", "eu-west-1"}} {
		for _, region := range regions {
			c := client.New(client.Config{Endpoint: s.URL(), Region: region, Account: account})
			if _, err := c.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("of-" + account + "-" + region)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := openTab(t, s.URL())
	b.visit("/console/")
	get(b, chromedp.Evaluate[int](`document.getElementById("account").value = "210987654321"; 0`))
	b.do(chromedp.Click(chromedp.CSS(".regions button")), chromedp.WaitVisible(chromedp.CSS("#region")))
	get(b, chromedp.Evaluate[int](`document.getElementById("region").value = "eu-west-1"; 0`))
	b.do(chromedp.Click(chromedp.CSS(".regions button")), chromedp.WaitVisible(chromedp.CSS(`nav a[href*="eu-west-1"]`)))
	b.do(chromedp.Click(chromedp.CSS(`nav a[href*="/console/queues"]`)), chromedp.WaitVisible(chromedp.CSS("#table")))
	if table := b.text("#table"); !strings.Contains(table, "of-210987654321-eu-west-1") || strings.Contains(table, "us-east-1") || strings.Contains(table, "123456789012") {
		t.Errorf("the queues are %q", table)
	}
	b.accessible("a chosen account")
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the pages have logged %q", complaints)
	}
}
