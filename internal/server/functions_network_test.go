package server

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Functions have a network beside that of tasks, where the server listens for them.
func TestAFunctionReachesTheServerOnEachNetwork(t *testing.T) {
	for _, network := range []string{"auto", "loopback"} {
		t.Run(network, func(t *testing.T) {
			s := open(t, t.TempDir(), func(c *Config) { c.Tasks, c.Runtime, c.TaskNetwork = nil, "process", network })
			defer running(t, s)()
			admin := callerWith(s.URL(), testRegion, adminKey)
			l := lambda.NewFromConfig(configOf(s.URL(), testRegion, adminKey))
			createRole(t, admin, runsName, trusting("lambda.amazonaws.com", ""), document("Allow", "*", "*", ""))
			createFunction(t, l)
			if payload, failed := told(t, l, "list queues"); failed {
				t.Error(payload)
			}
		})
	}
}
