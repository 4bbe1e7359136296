package ecs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/rules"
	"flyball/internal/state"
)

// The kinds of documents, and their keys.
var (
	kindCluster    = state.Kind{Name: "ecs.cluster", Version: 1}           // NAME
	kindDefinition = state.Kind{Name: "ecs.taskdefinition", Version: 1}    // FAMILY:REVISION
	kindService    = state.Kind{Name: "ecs.service", Version: 1}           // CLUSTER/NAME
	kindEvent      = state.Kind{Name: "ecs.event", Version: 1}             // CLUSTER/NAME/NUMBER, in hex
	kindRollout    = state.Kind{Name: "ecs.servicedeployment", Version: 1} // CLUSTER/NAME/ID
	kindTask       = state.Kind{Name: "ecs.task", Version: 1}              // CLUSTER/ID
	kindInstance   = state.Kind{Name: "ecs.containerinstance", Version: 1} // CLUSTER/ID
	kindProvider   = state.Kind{Name: "ecs.capacityprovider", Version: 1}  // NAME
	// NAME/PRINCIPAL. The value was once written as it is, without JSON.
	kindSetting = state.Kind{Name: "ecs.setting", Version: 1, Migrate: func(_ int, value []byte) ([]byte, error) {
		return json.Marshal(string(value))
	}}
)

// A loader reads the state of the server's last life.
type loader struct {
	*API
	orphans []orphan
}

// load reads the state, and mends what does not fit together.
func (a *API) load() error {
	l := &loader{API: a}
	for _, step := range []func() error{
		func() error { return loadAll(l, kindCluster, l.loadCluster) },
		func() error { return loadAll(l, kindDefinition, l.loadDefinition) },
		func() error { return loadAll(l, kindService, l.loadService) },
		func() error { return loadAll(l, kindRollout, l.loadRollout) },
		func() error { return loadAll(l, kindEvent, l.loadEvent) },
		func() error { return loadAll(l, kindTask, l.loadTask) },
		func() error { return loadAll(l, kindInstance, l.loadInstance) },
		func() error { return loadAll(l, kindSetting, l.loadSetting) },
		func() error { return loadAll(l, kindProvider, l.loadProvider) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	l.putInOrder()
	l.mend()
	return nil
}

// loadAll reads the documents of one kind, and puts those aside that belong to
// nothing.
func loadAll[T any](l *loader, k state.Kind, add func(key string, doc *T) error) error {
	return state.Load(l.cell.State, k, func(key string, doc *T) error {
		err := add(key, doc)
		if reason, ok := errors.AsType[orphaned](err); ok {
			l.orphans = append(l.orphans, orphan{k, key, reason})
			return nil
		}
		return err
	})
}

func (l *loader) loadCluster(_ string, api *types.Cluster) error {
	c := newCluster(*api)
	l.clusters[c.name] = c
	return nil
}

func (l *loader) loadDefinition(_ string, doc *storedDefinition) error {
	size, err := rules.ParseSize(doc.Definition.Cpu, doc.Definition.Memory)
	if err != nil {
		return err
	}
	name := *doc.Definition.Family
	f, ok := l.families[name]
	if !ok {
		f = &family{name: name}
		l.families[name] = f
	}
	// The keys have 10 before 2, and tasks look for revisions by their numbers.
	d := &definition{api: doc.Definition, tags: doc.Tags, size: size}
	i, _ := slices.BinarySearchFunc(f.revisions, d, byRevision)
	f.revisions = slices.Insert(f.revisions, i, d)
	return nil
}

func byRevision(x, y *definition) int { return cmp.Compare(x.api.Revision, y.api.Revision) }

// clusterOf is the cluster in whose part of the keys a key is, and the rest of it.
func (l *loader) clusterOf(key string) (*cluster, string, error) {
	name, rest, _ := strings.Cut(key, "/")
	c, ok := l.clusters[name]
	if !ok {
		return nil, "", orphaned("no cluster " + name)
	}
	return c, rest, nil
}

func (l *loader) loadService(key string, doc *storedService) error {
	c, name, err := l.clusterOf(key)
	if err != nil {
		return err
	}
	s := &service{
		cluster:     c,
		name:        name,
		api:         doc.Service,
		clientToken: doc.ClientToken,
		deployments: doc.Deployments,
		inactiveAt:  doc.InactiveAt,
		steady:      doc.Steady,
		monitoring:  doc.Monitoring,
		warned:      doc.Warnings,
		tasks:       map[string]*task{},
	}
	c.services[name] = s
	if s.status() == inactive {
		l.retired.Set(s, s.inactiveAt.Add(forgetAfter))
		return nil
	}
	l.fileUnder(s, l.periodOf(s))
	return nil
}

// serviceOf is the service in whose part of the keys a key is, and the rest of it.
func (l *loader) serviceOf(key string) (*service, string, error) {
	c, rest, err := l.clusterOf(key)
	if err != nil {
		return nil, "", err
	}
	name, rest, _ := strings.Cut(rest, "/")
	s, ok := c.services[name]
	if !ok {
		return nil, "", orphaned("no service " + name)
	}
	return s, rest, nil
}

func (l *loader) loadRollout(key string, r *rollout) error {
	s, _, err := l.serviceOf(key)
	if err != nil {
		return err
	}
	s.history = append(s.history, r)
	return nil
}

func (l *loader) loadEvent(key string, e *types.ServiceEvent) error {
	s, number, err := l.serviceOf(key)
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(number, "%x", &s.eventNumber); err != nil {
		return err
	}
	s.eventNumber++
	s.events = append(s.events, *e)
	return nil
}

func (l *loader) loadTask(key string, doc *storedTask) error {
	c, id, err := l.clusterOf(key)
	if err != nil {
		return err
	}
	def, ok := l.findDefinition(doc.Definition)
	if !ok {
		return orphaned("no task definition " + doc.Definition)
	}
	t := &task{
		id:             id,
		cluster:        c,
		deployment:     doc.Deployment,
		definition:     def,
		api:            doc.Task,
		clientToken:    doc.ClientToken,
		request:        doc.Request,
		protectedUntil: doc.ProtectedUntil,
		secret:         doc.Secret,
		accessKey:      doc.AccessKey,
		securityGroups: doc.SecurityGroups,
		stop:           l.cell.Clock.Signal(),
	}
	t.reserved = t.reservation()
	c.tasks[id] = t
	t.balancing = restoredBalancing(l.cell.Clock, t, doc.Targets)
	for _, m := range doc.Targets {
		if m.ID != "" {
			l.index(m)
		}
	}
	if t.stopped() {
		l.retired.Set(t, t.api.StoppedAt.Add(forgetAfter))
		return nil
	}
	if t.askedToStop() {
		t.stop.Close()
	}
	if s, ok := c.services[doc.Service]; ok && doc.Service != "" {
		t.service = s
		s.tasks[id] = t
	}
	l.unconfirmed = append(l.unconfirmed, t)
	return nil
}

func (l *loader) loadInstance(key string, api *types.ContainerInstance) error {
	c, _, err := l.clusterOf(key)
	if err != nil {
		return err
	}
	i := newContainerInstance(c, *api)
	c.instances[i.id] = i
	return nil
}

func (l *loader) loadSetting(key string, value *string) error {
	name, principal, _ := strings.Cut(key, "/")
	l.settings[settingKey{principal, types.SettingName(name)}] = *value
	return nil
}

func (l *loader) loadProvider(name string, api *types.CapacityProvider) error {
	l.providers[name] = &provider{*api}
	return nil
}

// putInOrder sorts what was read in the order of its keys.
func (l *loader) putInOrder() {
	for _, c := range l.clusters {
		for _, s := range c.services {
			slices.SortFunc(s.history, newestFirst)
			slices.Reverse(s.events)
		}
	}
}

// newestFirst orders the service deployments of a service. Of two that began at
// once the one that goes on is the newer one.
func newestFirst(x, y *rollout) int {
	if d := y.CreatedAt.Compare(x.CreatedAt); d != 0 {
		return d
	}
	switch {
	case x.running() && !y.running():
		return -1
	case y.running() && !x.running():
		return 1
	}
	return 0
}
