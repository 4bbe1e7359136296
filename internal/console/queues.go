package console

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
	"flyball/internal/loadtest"
)

// queues shows the queues of SQS and what waits in them.
func (c *console) queues(v *visit) error {
	t := table{
		Title: "Queues", Columns: []column{{Name: "Queue"}, {"Waiting", true}, {"In flight", true}, {"Delayed", true}, {"Visibility timeout, s", true}, {Name: "Load test"}},
		Empty: "There are no queues in region " + v.Region + ". aws sqs create-queue makes one.",
	}
	var urls []string
	pages := sqs.NewListQueuesPaginator(v.Client.SQS, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return err
		}
		urls = append(urls, page.QueueUrls...)
	}
	slices.Sort(urls)
	t.Rows = make([][]cell, min(len(urls), 4*rowsOfPage+1))
	group, ctx := errgroup.WithContext(v.r.Context())
	group.SetLimit(4)
	for i := range t.Rows {
		group.Go(func() (err error) {
			t.Rows[i], err = queueRow(ctx, v.Client, urls[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, row := range t.Rows {
		t.Rows[i] = append(row, loadTestCell(v, loadtest.Queue, row[0].Text))
		t.Rows[i][0].Link = linksOf(v).To("queues", row[0].Text)
	}
	return c.table(v, "queues", t)
}

func queueRow(ctx context.Context, c *client.Client, url string) ([]cell, error) {
	out, err := c.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	row := []cell{{Text: url[strings.LastIndexByte(url, '/')+1:]}}
	for _, name := range []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed, types.QueueAttributeNameVisibilityTimeout,
	} {
		text := "–"
		if err == nil {
			text = out.Attributes[string(name)]
		}
		row = append(row, cell{Text: text})
	}
	return row, err
}
