package balancer

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A page is a response that the balancer makes itself.
type page struct {
	status      int
	contentType string
	body        string
	location    string // for redirects
}

// statusText is what the balancer calls a status: net/http's words, but for those that
// are its own ("Troubleshoot your Application Load Balancers").
func statusText(status int) string {
	switch status {
	case 414:
		return "Request-URI Too Large"
	case 463:
		return "Too Many Forwarded Addresses"
	case 464:
		return "Incompatible Protocol Version"
	case 503:
		return "Service Temporarily Unavailable"
	case 504:
		return "Gateway Time-out"
	}
	return http.StatusText(status)
}

func errorPage(status int) page {
	return page{status: status, contentType: "text/html", body: html(status)}
}

func html(status int) string {
	title := fmt.Sprintf("%d %s", status, statusText(status))
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"
}

// A fixedResponse is an action that answers with a given page.
type fixedResponse struct{ page page }

func newFixedResponse(c *types.FixedResponseActionConfig) action {
	if c == nil {
		return nil
	}
	status, err := strconv.Atoi(aws.ToString(c.StatusCode))
	if err != nil {
		return nil
	}
	return &fixedResponse{page{status: status, contentType: aws.ToString(c.ContentType), body: aws.ToString(c.MessageBody)}}
}

func (r *fixedResponse) serve(x *exchange) {
	x.plan.balancer.counts.add(fixedResponses, 1)
	x.answer(r.page)
}
