package replica_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flyball/internal/replica"
)

// A call that a replica did not take is whole when another one takes it, or the one that has forwarded it.
func TestACallThatWasNotTakenIsMadeAgainAsAWhole(t *testing.T) {
	const said = "Action=ListClusters"
	takes := false
	owner := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != said {
			t.Errorf("the owner gets %q, %v", body, err)
		}
		if !takes {
			replica.Refuse(w)
			return
		}
		io.WriteString(w, "taken")
	}))
	defer owner.Close()
	forwarder := replica.NewForwarder(&tls.Config{InsecureSkipVerify: true}) // who the owner is does not matter here
	defer forwarder.Close()
	r := httptest.NewRequest(http.MethodPost, "http://flyball.example/", strings.NewReader(said))
	if err := replica.Keep(r); err != nil {
		t.Fatal(err)
	}
	to := owner.Listener.Addr().String()
	for range 2 {
		if err := forwarder.Forward(httptest.NewRecorder(), r, to); !errors.Is(err, replica.ErrNotTaken) {
			t.Fatalf("a call that is not taken: %v", err)
		}
	}
	replica.Again(r)
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != said {
		t.Errorf("who has forwarded it has %q, %v", body, err)
	}
	takes = true
	w := httptest.NewRecorder()
	if err := forwarder.Forward(w, r, to); err != nil || w.Body.String() != "taken" {
		t.Errorf("a call that is taken: %v, %s", err, w.Body)
	}
}
