package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// hostPattern is a name that requests can have for their Host, or the end of names, after an
// asterisk. What is compared with it is in lower case.
var hostPattern = regexp.MustCompile(`^(\*[.-]?)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// isHost says whether a text is a name or an address as the Host of a request has one, without a port.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return hostPattern.MatchString(strings.ToLower(text))
}

// hostIn finds the name in what was given in its place, such as a URL; "" if there is none.
func hostIn(text string) string {
	_, rest, isURL := strings.Cut(strings.TrimSpace(text), "://")
	if !isURL {
		rest = strings.TrimSpace(text)
	}
	rest, _, _ = strings.Cut(rest, "/")
	if host, _, err := net.SplitHostPort(rest); err == nil {
		rest = host
	}
	if rest = strings.TrimSuffix(strings.Trim(rest, "[]"), "."); isHost(rest) {
		return rest
	}
	return ""
}

// checkHosts refuses names that no request has for its Host, so that nobody waits for them to work,
// and the one that every request has: a web page could make the server's address one of its names'.
func (c Config) checkHosts() error {
	for _, host := range c.Hosts {
		meant := hostIn(host)
		switch {
		case isHost(host):
		case host == "*":
			return errors.New(`host "*" would be any name, so that web pages reach the server by names of their own; give names, such as *.example.com`)
		case meant != "":
			return fmt.Errorf("host %q: give the name alone: %s", host, meant)
		default:
			return fmt.Errorf("host %q: give a name or an address, such as flyball.example", host)
		}
	}
	return nil
}

// addressOf splits HOST:PORT. What was given in its place gets named what is nearest.
func addressOf(what, text string) (host string, err error) {
	host, port, err := net.SplitHostPort(text)
	if err == nil && !strings.Contains(text, "/") {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", fmt.Errorf("%s %q: %q is no port; give a number from 0 to 65535", what, text, port)
		}
		return host, nil
	}
	return "", fmt.Errorf("%s %q: give HOST:PORT, such as %s", what, text, nearestAddress(text))
}

// nearestAddress is the address that may be meant by what is none.
func nearestAddress(text string) string {
	const usualPort = "4566"
	if _, err := strconv.ParseUint(text, 10, 16); err == nil {
		return net.JoinHostPort("127.0.0.1", text)
	}
	host := hostIn(text)
	if host == "" {
		return net.JoinHostPort("127.0.0.1", usualPort)
	}
	port := ""
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		port = u.Port()
	}
	if port == "" {
		port = usualPort
	}
	return net.JoinHostPort(host, port)
}
