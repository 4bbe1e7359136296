package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"flyball/internal/trace"
)

// A pastTraffic is the flags that say where the traffic of the past is read from: a file, what a server
// has counted, or a description of traffic that is made up. simulate, tune and load have the same.
type pastTraffic struct {
	path     string
	file     reading
	measured measuring
}

// flags adds the flags to a command; ofService says whose traffic a server is asked for.
func (p *pastTraffic) flags(cmd *cobra.Command, ofService string) {
	cmd.Flags().StringVar(&p.path, "traffic", "", "file of traffic: the requests, or messages, of each step of time; - is the standard input")
	p.file.add(cmd)
	p.measured.flags(cmd, "traffic-from", "address of a server, or aws: the traffic is what the load balancer, or the queue, of "+ofService+" has counted")
	_ = cmd.MarkFlagFilename("traffic")
	cmd.MarkFlagsMutuallyExclusive("traffic", "generate", "traffic-from")
}

// given reports whether any of the three is.
func (p *pastTraffic) given() bool {
	return p.path != "" || p.measured.from != "" || p.file.made.description != ""
}

// check refuses flags that say how something is read that is not.
func (p *pastTraffic) check(cmd *cobra.Command) error {
	if p.measured.from == "" {
		if cmd.Flags().Changed("traffic-from") { // such as by a variable of a shell that is not set
			return refuse("--traffic-from of nothing names no server: give its address, such as http://127.0.0.1:4566, or aws")
		}
		for _, flag := range p.measured.own {
			if cmd.Flags().Changed(flag) {
				return fmt.Errorf("--%s says what is read of a server: give --traffic-from, too", flag)
			}
		}
	}
	return p.file.made.check(cmd)
}

// read reads the traffic from where it is; service is the one that a server is asked about.
func (p *pastTraffic) read(cmd *cobra.Command, conn *connection, service string) (trace.Series, error) {
	if err := p.check(cmd); err != nil {
		return trace.Series{}, err
	}
	if p.measured.from != "" {
		measured, err := p.measured.traffic(cmd, conn, service, p.file.said(trace.Counts))
		return measured.Series(), err
	}
	past, err := p.file.traffic(cmd, p.path)
	if err != nil && p.path != "" {
		if _, missing := errors.AsType[*fs.PathError](err); missing {
			return past, fmt.Errorf("--traffic: %w", err)
		}
		err = fmt.Errorf("--traffic %w", err)
	}
	return past, err
}

// source names what the traffic is, as it was typed.
func (p *pastTraffic) source() string {
	switch {
	case p.measured.from != "":
		return "--traffic-from " + p.measured.from
	case p.path == "":
		return "--generate"
	}
	return "--traffic " + p.path
}
