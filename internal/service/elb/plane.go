package elb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/balancer"
)

// A plane tells the driver what is stored. Changes come from several calls at a time,
// and so does what follows them: each time the newest rows are told, one after the
// other, so that the driver ends with what is stored whatever came first.
type plane struct {
	api    *API
	driver balancer.Driver

	mu      sync.Mutex // held while the driver is told
	note    sync.Mutex // guards what follows
	trouble map[string]string
	moved   map[string]bool // load balancers that listen to other ports than their listeners'
}

// setAll tells all that is stored: target groups first, as rules forward to them.
func (p *plane) setAll() {
	var groups, balancers []string
	p.api.cell.State.View(context.Background(), func() {
		groups = slices.Clone(p.api.groups.Keys(""))
		balancers = slices.Clone(p.api.balancers.Keys(""))
	})
	for _, arn := range groups {
		p.setGroup(arn)
	}
	for _, arn := range balancers {
		p.setBalancer(arn)
	}
}

// setGroup tells what has become of a target group.
func (p *plane) setGroup(arn string) {
	if p.driver == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	g, exists := p.group(arn)
	if !exists {
		p.driver.RemoveGroup(arn)
		return
	}
	told := balancer.Group{TargetGroup: g.TargetGroup, Attributes: g.Attributes}
	for _, t := range g.present(p.api.cfg.Now()) {
		address := p.address(g, t)
		told.Targets = append(told.Targets, balancer.Target{
			TargetDescription: types.TargetDescription{Id: &address, Port: t.Port, AvailabilityZone: t.AvailabilityZone},
			DrainUntil:        t.DrainUntil,
		})
	}
	p.driver.SetGroup(told)
}

func (p *plane) group(arn string) (g targetGroup, exists bool) {
	p.api.cell.State.View(context.Background(), func() { g, exists = p.api.groups.Get(arn) })
	return g, exists
}

// address is where a target is. An instance that nobody knows is this machine.
func (p *plane) address(g targetGroup, t target) string {
	if g.TargetType != types.TargetTypeEnumInstance {
		return *t.Id
	}
	if p.api.cfg.Instance != nil {
		if ip, ok := p.api.cfg.Instance(*t.Id); ok {
			return ip.String()
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1}).String()
}

// setBalancer tells what has become of a load balancer.
func (p *plane) setBalancer(arn string) {
	if p.driver == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	told, exists := p.balancer(arn)
	if !exists {
		p.driver.RemoveLoadBalancer(arn)
		p.noteTrouble(arn, "")
		p.noteMoved(arn, false)
		return
	}
	p.noteTrouble(arn, p.listen(told))
}

// balancer is a load balancer with its listeners and their rules.
func (p *plane) balancer(arn string) (told balancer.LoadBalancer, exists bool) {
	a := p.api
	a.cell.State.View(context.Background(), func() {
		var b loadBalancer
		if b, exists = a.balancers.Get(arn); !exists {
			return
		}
		told = balancer.LoadBalancer{LoadBalancer: b.LoadBalancer, Attributes: b.Attributes, Address: b.Address, Others: b.others()}
		for _, l := range a.listeners.Rows(a.listenersOf(arn)) {
			told.Listeners = append(told.Listeners, balancer.Listener{
				Listener: l.Listener, Attributes: l.Attributes,
				Rules: shown(a.rulesInOrder(*l.ListenerArn), func(r rule) types.Rule { return r.Rule }),
			})
		}
	})
	return told, exists
}

// otherPorts is added to ports that cannot be had: 80 becomes 8080, 443 becomes 8443.
const otherPorts = 8000

// listen has the driver listen, and returns what is wrong with it. Ports that the
// system gives to its administrator only, or that somebody else has, are replaced.
func (p *plane) listen(told balancer.LoadBalancer) (trouble string) {
	err := p.driver.SetLoadBalancer(told)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EADDRINUSE) {
		told.Listeners = slices.Clone(told.Listeners)
		for i, l := range told.Listeners {
			if *l.Port < 1024 {
				told.Listeners[i].Port = aws.Int32(*l.Port + otherPorts)
			}
		}
		instead := fmt.Sprintf("%v; it listens to ports from 1 to 1023 at %d more instead: 80 is 8080", err, otherPorts)
		if err = p.driver.SetLoadBalancer(told); err == nil {
			p.noteMoved(*told.LoadBalancerArn, true)
			p.api.log.Warn("a load balancer listens to other ports", "loadBalancer", *told.LoadBalancerName, "address", told.Address, "reason", instead)
			return instead
		}
	}
	if err != nil {
		p.api.log.Error("a load balancer cannot listen", "loadBalancer", *told.LoadBalancerName, "address", told.Address, "error", err)
		return err.Error()
	}
	p.noteMoved(*told.LoadBalancerArn, false)
	return ""
}

func (p *plane) noteTrouble(arn, trouble string) {
	p.note.Lock()
	defer p.note.Unlock()
	if trouble == "" {
		delete(p.trouble, arn)
		return
	}
	p.trouble[arn] = trouble
}

func (p *plane) noteMoved(arn string, moved bool) {
	p.note.Lock()
	defer p.note.Unlock()
	if !moved {
		delete(p.moved, arn)
		return
	}
	p.moved[arn] = true
}

// replaced says whether a load balancer listens to other ports below 1024.
func (p *plane) replaced(arn string) bool {
	p.note.Lock()
	defer p.note.Unlock()
	return p.moved[arn]
}

func (p *plane) troubleOf(arn string) string {
	p.note.Lock()
	defer p.note.Unlock()
	return p.trouble[arn]
}

// Handler serves the load balancer with a DNS name, or with an endpoint of that name.
// It is nil if there is none, or none that listens.
func (a *API) Handler(dnsName string) http.Handler {
	arn := ""
	a.cell.State.View(context.Background(), func() {
		for _, key := range a.balancers.Keys("") {
			if b, _ := a.balancers.Get(key); b.named(dnsName) {
				arn = key
			}
		}
	})
	if arn == "" || a.cfg.Driver == nil {
		return nil
	}
	return a.cfg.Driver.Handler(arn)
}

// health describes the targets of a group: as the driver does, where it knows them.
func (p *plane) health(g targetGroup, used bool) []types.TargetHealthDescription {
	known := map[string]types.TargetHealthDescription{}
	if p.driver != nil {
		for _, d := range p.driver.Health(*g.TargetGroupArn) {
			known[place(*d.Target.Id, d.Target.Port)] = d
		}
	}
	all := []types.TargetHealthDescription{}
	for _, t := range g.present(p.api.cfg.Now()) {
		d, ok := known[place(p.address(g, t), t.Port)]
		if draining := d.TargetHealth != nil && d.TargetHealth.State == types.TargetHealthStateEnumDraining; !ok || draining == t.DrainUntil.IsZero() {
			d = types.TargetHealthDescription{TargetHealth: unknownHealth(t, used)} // it is told in a moment
		}
		d.Target, d.HealthCheckPort = &t.TargetDescription, healthCheckPort(g, t.TargetDescription)
		all = append(all, d)
	}
	return all
}

func place(address string, port *int32) string { return fmt.Sprintf("%s %d", address, *port) }
