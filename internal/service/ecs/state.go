package ecs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/rules"
	"flyball/internal/store"
)

// The kinds of documents in the store, and their keys.
const (
	kindCluster    = "ecs.cluster"           // NAME
	kindDefinition = "ecs.taskdefinition"    // FAMILY:REVISION
	kindService    = "ecs.service"           // CLUSTER/NAME
	kindEvent      = "ecs.event"             // CLUSTER/NAME/NUMBER, in hex
	kindRollout    = "ecs.servicedeployment" // CLUSTER/NAME/ID
	kindTask       = "ecs.task"              // CLUSTER/ID
	kindInstance   = "ecs.containerinstance" // CLUSTER/ID
	kindSetting    = "ecs.setting"           // NAME/PRINCIPAL
	kindProvider   = "ecs.capacityprovider"  // NAME
)

// load reads the state of the server's last life.
func (a *API) load() error {
	steps := []struct {
		kind string
		add  func(key string, value []byte) error
	}{
		{kindCluster, a.loadCluster},
		{kindDefinition, a.loadDefinition},
		{kindService, a.loadService},
		{kindRollout, a.loadRollout},
		{kindEvent, a.loadEvent},
		{kindTask, a.loadTask},
		{kindInstance, a.loadInstance},
		{kindSetting, a.loadSetting},
		{kindProvider, a.loadProvider},
	}
	var mended store.Batch
	for _, step := range steps {
		var failure error
		err := a.cfg.Store.Scan(step.kind, store.Range{}, func(key string, value []byte) bool {
			err := step.add(key, value)
			if reason, ok := errors.AsType[orphaned](err); ok {
				a.cfg.Log.Warn("removed what belongs to nothing", "kind", step.kind, "key", key, "reason", reason)
				mended.Delete(step.kind, key)
				return true
			}
			if err != nil {
				failure = fmt.Errorf("%s %q: %w", step.kind, key, err)
			}
			return failure == nil
		})
		if err != nil {
			return err
		}
		if failure != nil {
			return failure
		}
	}
	a.putInOrder()
	a.mend(&mended)
	a.writeLater(&mended)
	return nil
}

func (a *API) loadCluster(_ string, value []byte) error {
	var api types.Cluster
	if err := json.Unmarshal(value, &api); err != nil {
		return err
	}
	c := newCluster(api)
	a.clusters[c.name] = c
	return nil
}

func (a *API) loadDefinition(_ string, value []byte) error {
	var r definitionRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	size, err := rules.ParseSize(r.Definition.Cpu, r.Definition.Memory)
	if err != nil {
		return err
	}
	name := *r.Definition.Family
	f, ok := a.families[name]
	if !ok {
		f = &family{name: name}
		a.families[name] = f
	}
	f.revisions = append(f.revisions, &definition{api: r.Definition, tags: r.Tags, size: size})
	return nil
}

func (a *API) loadService(key string, value []byte) error {
	var r serviceRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	cluster, name, _ := strings.Cut(key, "/")
	c, ok := a.clusters[cluster]
	if !ok {
		return orphaned("no cluster " + cluster)
	}
	s := &service{
		cluster:     c,
		name:        name,
		api:         r.Service,
		clientToken: r.ClientToken,
		deployments: r.Deployments,
		inactiveAt:  r.InactiveAt,
		steady:      r.Steady,
		monitoring:  r.Monitoring,
		tasks:       map[string]*task{},
	}
	c.services[name] = s
	if s.status() == inactive {
		a.retired = append(a.retired, retirement{s.inactiveAt.Add(forgetAfter), nil, s})
		return nil
	}
	a.setPace(s, a.paceOf(s))
	return nil
}

// serviceOf is the service that a key of a service's part belongs to.
func (a *API) serviceOf(key string) (*service, error) {
	parts := strings.Split(key, "/")
	if c, ok := a.clusters[parts[0]]; ok && len(parts) == 3 {
		if s, ok := c.services[parts[1]]; ok {
			return s, nil
		}
	}
	return nil, orphaned("no service of this name")
}

func (a *API) loadRollout(key string, value []byte) error {
	s, err := a.serviceOf(key)
	if err != nil {
		return err
	}
	r := &rollout{}
	if err := json.Unmarshal(value, r); err != nil {
		return err
	}
	s.history = append(s.history, r)
	return nil
}

func (a *API) loadEvent(key string, value []byte) error {
	s, err := a.serviceOf(key)
	if err != nil {
		return err
	}
	var e types.ServiceEvent
	if err := json.Unmarshal(value, &e); err != nil {
		return err
	}
	if _, err := fmt.Sscanf(key[strings.LastIndexByte(key, '/')+1:], "%x", &s.eventNumber); err != nil {
		return err
	}
	s.eventNumber++
	s.events = append(s.events, e)
	return nil
}

func (a *API) loadTask(key string, value []byte) error {
	var r taskRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	cluster, id, _ := strings.Cut(key, "/")
	c, ok := a.clusters[cluster]
	if !ok {
		return orphaned("no cluster " + cluster)
	}
	def, ok := a.findDefinition(r.Definition)
	if !ok {
		return orphaned("no task definition " + r.Definition)
	}
	t := &task{
		id:             id,
		cluster:        c,
		deployment:     r.Deployment,
		definition:     def,
		api:            r.Task,
		clientToken:    r.ClientToken,
		request:        r.Request,
		protectedUntil: r.ProtectedUntil,
		stop:           make(chan struct{}),
	}
	t.reserved = t.reservation()
	c.tasks[id] = t
	if t.stopped() {
		a.retired = append(a.retired, retirement{t.api.StoppedAt.Add(forgetAfter), t, nil})
		return nil
	}
	if t.askedToStop() {
		close(t.stop)
	}
	if s, ok := c.services[r.Service]; ok && r.Service != "" {
		t.service = s
		s.tasks[id] = t
	}
	a.unconfirmed = append(a.unconfirmed, t)
	return nil
}

func (a *API) loadInstance(key string, value []byte) error {
	var api types.ContainerInstance
	if err := json.Unmarshal(value, &api); err != nil {
		return err
	}
	cluster, _, _ := strings.Cut(key, "/")
	c, ok := a.clusters[cluster]
	if !ok {
		return orphaned("no cluster " + cluster)
	}
	i := newContainerInstance(c, api)
	c.instances[i.id] = i
	return nil
}

func (a *API) loadSetting(key string, value []byte) error {
	name, principal, _ := strings.Cut(key, "/")
	a.settings[settingKey{principal, types.SettingName(name)}] = string(value)
	return nil
}

func (a *API) loadProvider(name string, value []byte) error {
	p := &provider{}
	if err := json.Unmarshal(value, &p.api); err != nil {
		return err
	}
	a.providers[name] = p
	return nil
}

// putInOrder sorts what the store gave in the order of its keys.
func (a *API) putInOrder() {
	for _, f := range a.families {
		slices.SortFunc(f.revisions, func(x, y *definition) int { return int(x.api.Revision - y.api.Revision) })
	}
	for _, c := range a.clusters {
		for _, s := range c.services {
			slices.SortFunc(s.history, func(x, y *rollout) int { return y.CreatedAt.Compare(x.CreatedAt) })
			slices.Reverse(s.events)
		}
	}
	slices.SortFunc(a.retired, func(x, y retirement) int { return x.at.Compare(y.at) })
}
