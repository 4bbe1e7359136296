package console

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// functions shows the functions of Lambda.
func (c *console) functions(v *visit) error {
	t := table{
		Title: "Functions", Columns: []column{{Name: "Function"}, {Name: "Runtime"}, {Name: "State"}, {"Memory, MiB", true}, {"Timeout, s", true}, {Name: "Changed"}},
		Empty: "There are no functions in region " + v.Region + ". aws lambda create-function makes one.",
	}
	pages := lambda.NewListFunctionsPaginator(v.Client.Lambda, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return err
		}
		for _, f := range page.Functions {
			t.Rows = append(t.Rows, []cell{
				{Text: aws.ToString(f.FunctionName), Link: linksOf(v).To("functions", aws.ToString(f.FunctionName)), Note: aws.ToString(f.Description)}, {Text: string(f.Runtime)}, {Text: string(f.State)},
				{Text: fmt.Sprint(aws.ToInt32(f.MemorySize))}, {Text: fmt.Sprint(aws.ToInt32(f.Timeout))}, {Text: aws.ToString(f.LastModified)},
			})
		}
	}
	return c.table(v, "functions", t)
}
