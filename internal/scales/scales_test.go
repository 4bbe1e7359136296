package scales

import (
	"encoding/json"
	"testing"
)

func TestOneLookAtADeploymentShowsItsScaleAndItsAnnotations(t *testing.T) {
	var object map[string]any
	if err := json.Unmarshal([]byte(`{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "annotations": {"flyball.dev/paused": "true"}},
		"spec": {"replicas": 5, "selector": {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}, "template": {}},
		"status": {"replicas": 3, "readyReplicas": 2}
	}`), &object); err != nil {
		t.Fatal(err)
	}
	for _, n := range []map[string]any{object["spec"].(map[string]any), object["status"].(map[string]any)} {
		n["replicas"] = int64(n["replicas"].(float64)) // as the client for Kubernetes reads whole numbers
	}
	is, err := sightOf(object)
	if err != nil || is.desired != 5 || is.running != 3 || is.selector != "app=web,tier in (a,b)" || is.annotations[PauseAnnotation] != "true" {
		t.Errorf("it shows %+v, %v", is, err)
	}
}
