package balancer

import (
	"fmt"
	"net/http"
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
