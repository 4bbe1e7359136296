package balancer

import "flyball/internal/balancer/http1"

// responseHeaders are what a listener's attributes change in responses.
type responseHeaders struct {
	hideServer bool
	set        []http1.Field
}

// responseAttributes are the headers that a listener can set, by the middle of the
// attribute's name ("HTTP header modification for your Application Load Balancer").
var responseAttributes = [...]struct{ attribute, header string }{
	{"strict_transport_security", "Strict-Transport-Security"},
	{"access_control_allow_origin", "Access-Control-Allow-Origin"},
	{"access_control_allow_methods", "Access-Control-Allow-Methods"},
	{"access_control_allow_headers", "Access-Control-Allow-Headers"},
	{"access_control_allow_credentials", "Access-Control-Allow-Credentials"},
	{"access_control_expose_headers", "Access-Control-Expose-Headers"},
	{"access_control_max_age", "Access-Control-Max-Age"},
	{"content_security_policy", "Content-Security-Policy"},
	{"x_content_type_options", "X-Content-Type-Options"},
	{"x_frame_options", "X-Frame-Options"},
}

func newResponseHeaders(a attributes) responseHeaders {
	h := responseHeaders{hideServer: a["routing.http.response.server.enabled"] == "false"}
	for _, r := range responseAttributes {
		if value := a["routing.http.response."+r.attribute+".header_value"]; value != "" {
			h.set = append(h.set, http1.NewField(r.header, value))
		}
	}
	return h
}

// apply changes the fields of a response.
func (h responseHeaders) apply(fields []http1.Field) []http1.Field {
	if !h.hideServer && len(h.set) == 0 {
		return fields
	}
	kept := fields[:0]
	for _, f := range fields {
		if !(h.hideServer && f.Is("Server")) && !h.replaces(f) {
			kept = append(kept, f)
		}
	}
	return append(kept, h.set...)
}

func (h responseHeaders) replaces(f http1.Field) bool {
	for _, s := range h.set {
		if f.Is(s.Name) {
			return true
		}
	}
	return false
}
