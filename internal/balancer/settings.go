package balancer

import (
	"strconv"
	"time"
)

// attributes are those of a load balancer, a listener or a target group. What is not
// there, or is no number, has the value that AWS begins with.
type attributes map[string]string

func (a attributes) on(key string) bool { return a[key] == "true" }

func (a attributes) number(key string, otherwise int) int {
	n, err := strconv.Atoi(a[key])
	if err != nil {
		return otherwise
	}
	return n
}

func (a attributes) seconds(key string, otherwise int) time.Duration {
	return time.Duration(a.number(key, otherwise)) * time.Second
}

// settings are what a load balancer's attributes say about connections and requests.
type settings struct {
	idle         time.Duration // how long either side may be silent
	keepAlive    time.Duration // how long a client's connection takes requests
	http2        bool
	desync       string // monitor, defensive or strictest
	dropInvalid  bool   // headers with unusual names are not passed on
	preserveHost bool
	xff          string // append, preserve or remove
	xffPort      bool
	tlsHeaders   bool
}

func newSettings(a attributes) settings {
	return settings{
		idle:         a.seconds("idle_timeout.timeout_seconds", 60),
		keepAlive:    a.seconds("client_keep_alive.seconds", 3600),
		http2:        a["routing.http2.enabled"] != "false",
		desync:       a["routing.http.desync_mitigation_mode"],
		dropInvalid:  a.on("routing.http.drop_invalid_header_fields.enabled"),
		preserveHost: a.on("routing.http.preserve_host_header.enabled"),
		xff:          a["routing.http.xff_header_processing.mode"],
		xffPort:      a.on("routing.http.xff_client_port.enabled"),
		tlsHeaders:   a.on("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"),
	}
}
