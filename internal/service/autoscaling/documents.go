package autoscaling

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/scaling"
)

// The kinds of documents.
var (
	kindTarget     = state.Kind{Name: "autoscaling.target", Version: 2, Migrate: migrateTarget} // by resource id
	kindPolicy     = state.Kind{Name: "autoscaling.policy", Version: 1}                         // by resource id and policy name
	kindAction     = state.Kind{Name: "autoscaling.action", Version: 1}                         // by resource id and scheduled action name
	kindPrediction = state.Kind{Name: "autoscaling.prediction", Version: 1}                     // by resource id, policy name and first hour
	kindActivity   = state.Kind{Name: "autoscaling.activity", Version: 1}                       // newest first; see activityKey
	kindIndex      = state.Kind{Name: "autoscaling.target-activity", Version: 1}                // the activities' keys, by resource id
)

// migrateTarget has a target named by the end of its ARN.
func migrateTarget(_ int, doc []byte) ([]byte, error) {
	var was struct{ ARN string }
	var members map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(doc, &was), json.Unmarshal(doc, &members)); err != nil {
		return nil, err
	}
	id, err := json.Marshal(was.ARN[strings.LastIndexByte(was.ARN, '/')+1:])
	if err != nil {
		return nil, err
	}
	delete(members, "ARN")
	members["ID"] = id
	return json.Marshal(members)
}

// keyOf is the key of what a target has by a name.
func keyOf(id scaling.ResourceID, name string) string { return string(id) + " " + name }

// keysOf are the keys of all that a target has by a name.
func keysOf(id scaling.ResourceID) store.Range { return store.Prefix(string(id) + " ") }

// A policyID names a policy.
type policyID struct {
	target scaling.ResourceID
	name   string
}

func (id policyID) key() string { return keyOf(id.target, id.name) }

// predictionPrefix begins the keys of a policy's predictions. Policies' names have
// no control characters, so none's key is the beginning of another's.
func (id policyID) predictionPrefix() string { return id.key() + "\x00" }

// predictionKey orders the predictions of a policy by time.
func (id policyID) predictionKey(start time.Time) string {
	return id.predictionPrefix() + start.Format(time.RFC3339)
}

// predictions are the keys of what a policy has forecast.
func (id policyID) predictions() store.Range { return store.Prefix(id.predictionPrefix()) }
