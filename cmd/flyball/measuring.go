package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/duration"
	"flyball/internal/history"
	"flyball/internal/resource"
	"flyball/internal/trace"
	"flyball/scaling"
)

// A measuring is what the flags say of metrics that are read from a server, or from AWS.
type measuring struct {
	from  string // an address, or aws
	last  length
	queue string
	own   []string // the flags that say what is read
	// asCounted leaves requests of a minute as the server's clock has it, also where that is faster than
	// its tasks.
	asCounted bool
}

// flags adds the flags to a command; name is that of the server's own.
func (m *measuring) flags(cmd *cobra.Command, name, usage string) {
	f := cmd.Flags()
	if m.last.d == 0 {
		m.last.d = 7 * 24 * time.Hour
	}
	queue := "queue"
	if f.Lookup(queue) != nil { // of something else
		queue = "traffic-queue"
	}
	m.own = []string{"last", queue}
	f.StringVar(&m.from, name, "", usage)
	f.Var(&m.last, "last", "how much of the time until now is read with --"+name)
	f.StringVar(&m.queue, queue, "", "with --"+name+", queue that the service takes messages from; that of its policies by default")
	completeWords(cmd, name, "http://127.0.0.1:4566", "aws")
	completeWords(cmd, "last", "1d", "7d", "14d", "63d")
}

// A measuredService is where its metrics are, and for what time.
type measuredService struct {
	client  *client.Client
	clock   client.Clock
	service scaling.ResourceID
	window  history.Window
}

// source is where its metrics are read from.
func (m measuredService) source() history.Source {
	c := m.client
	return history.Source{AutoScaling: c.AutoScaling, CloudWatch: c.CloudWatch, ECS: c.ECS, LoadBalancing: c.LoadBalancing}
}

// faster is how many times as fast as its tasks the server's clock is.
func (m measuredService) faster() float64 {
	if m.clock.State == client.Runs && m.clock.Speed > 0 {
		return m.clock.Speed
	}
	return 1
}

// find finds the service that a name means.
func (m *measuring) find(ctx context.Context, conn *connection, flag, service string) (found measuredService, err error) {
	if service == "" {
		return found, fmt.Errorf("--%s: of which service? Name it with --service CLUSTER/SERVICE, such as --service shop/web", flag)
	}
	conn.Endpoint, conn.Flag = m.from, "--"+flag
	if err := conn.CheckEndpoint(); m.from != "aws" && err != nil {
		return found, fmt.Errorf("--%s: %w", flag, err)
	}
	if err := conn.complete(); err != nil {
		return found, err
	}
	var name resource.Name
	if found.client, name, err = conn.find(ctx, service, resource.Service); err != nil {
		return found, err
	}
	if found.clock, err = found.client.Clock(ctx); err != nil {
		return found, err
	}
	found.service, found.window = name.Scalable(), history.Last(found.clock.Now, m.last.d)
	return found, nil
}

// traffic reads what was asked of a service.
func (m *measuring) traffic(cmd *cobra.Command, conn *connection, service string, o trace.Options) (trace.Trace, error) {
	found, err := m.find(cmd.Context(), conn, "traffic-from", service)
	if err != nil {
		return trace.Trace{}, err
	}
	t, err := history.Traffic(cmd.Context(), found.source(), found.service, found.window, m.queue, o)
	if err != nil {
		return t, found.client.Plain(err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d steps of %s from %s on\n", m.from, len(t.Values), duration.String(t.Step), t.Start.Format(time.RFC3339))
	if speed := found.faster(); speed != 1 && !m.asCounted {
		// Of a minute of such a clock, the tasks have lived through a part: what came in it came as often
		// as so many times more in a minute of theirs.
		for i := range t.Values {
			t.Values[i] *= speed
		}
		t.Notes = append(t.Notes, fmt.Sprintf("The server's clock is %v times as fast as its tasks; requests of a minute were multiplied by that.", speed))
	}
	for _, note := range t.Notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", m.from, note)
	}
	return t, nil
}
