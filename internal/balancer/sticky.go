package balancer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"iter"
	"net/http"
	"strings"
	"time"

	"flyball/internal/balancer/http1"
)

// The cookies of sticky sessions ("Sticky sessions for your Application Load
// Balancer"). The CORS twin of a cookie goes to other sites, too.
const (
	durationCookie    = "AWSALB"
	groupCookie       = "AWSALBTG"
	applicationCookie = "AWSALBAPP-0"
	corsSuffix        = "CORS"
)

// cookieLife is the Expires of every cookie. How long one binds is in its value.
const cookieLife = 7 * 24 * time.Hour

// A token stands for a target or a group in a cookie: what it is for is not to be read
// from it, and it is the same after a restart.
func newToken(name string) string {
	sum := sha256.Sum256([]byte("flyball sticky " + name))
	return string(sum[:24])
}

// sealCookie makes a cookie's value of a token and the time of the response.
func sealCookie(token string, now time.Time) string {
	b := append(make([]byte, 0, len(token)+8), token...)
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(now.Unix())))
}

// openCookie returns the token of a value that is not older than a duration.
func openCookie(value string, now time.Time, duration time.Duration) (token string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(b) <= 8 {
		return "", false
	}
	n := len(b) - 8
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(b[n:])), 0))
	return string(b[:n]), age < duration && age > -time.Minute
}

// cookies goes through the cookies of a request by the name.
func cookies(fields []http1.Field, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, f := range fields {
			if !f.Is("Cookie") {
				continue
			}
			for pair := range strings.SplitSeq(f.Value, ";") {
				key, value, _ := strings.Cut(strings.TrimLeft(pair, " "), "=")
				if key == name && !yield(strings.Trim(value, `"`)) {
					return
				}
			}
		}
	}
}

// tokenOf returns the token of the first valid cookie of a name or of its twin.
func tokenOf(fields []http1.Field, name string, duration time.Duration, known func(token string) bool) bool {
	now := time.Now()
	for _, n := range []string{name, name + corsSuffix} {
		for value := range cookies(fields, n) {
			if token, ok := openCookie(value, now, duration); ok && known(token) {
				return true
			}
		}
	}
	return false
}

// appendCookies appends the fields that set a cookie and its twin.
func appendCookies(fields []http1.Field, name, token string) []http1.Field {
	now := time.Now()
	value := sealCookie(token, now)
	attributes := "; Expires=" + now.Add(cookieLife).UTC().Format(http.TimeFormat) + "; Path=/"
	fields = append(fields, http1.NewField("Set-Cookie", name+"="+value+attributes))
	if name == applicationCookie {
		return fields
	}
	return append(fields, http1.NewField("Set-Cookie", name+corsSuffix+"="+value+attributes+"; SameSite=None; Secure"))
}

// A stickiness is how a group keeps a client with one target.
type stickiness struct {
	cookie      string // "" when it does not
	duration    time.Duration
	application string // the cookie of the target's that begins it; "" for a duration
}

func newStickiness(a attributes) stickiness {
	switch {
	case !a.on("stickiness.enabled"):
		return stickiness{}
	case a["stickiness.type"] == "app_cookie":
		return stickiness{applicationCookie, a.seconds("stickiness.app_cookie.duration_seconds", 86400), a["stickiness.app_cookie.cookie_name"]}
	default:
		return stickiness{durationCookie, a.seconds("stickiness.lb_cookie.duration_seconds", 86400), ""}
	}
}

// find returns the target that a request's cookie names, if it may be chosen.
func (s stickiness) find(q *request, r *roster) (found *target) {
	tokenOf(q.fields, s.cookie, s.duration, func(token string) bool {
		found = r.tokens[token]
		return found != nil
	})
	return found
}

// renews says whether a response binds the client: each one does with a duration, and
// with an application's cookie those that set it.
func (s stickiness) renews(response []http1.Field) bool {
	if s.application == "" {
		return true
	}
	for _, f := range response {
		if name, _, _ := strings.Cut(f.Value, "="); name == s.application && f.Is("Set-Cookie") {
			return true
		}
	}
	return false
}
