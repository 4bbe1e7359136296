// Package cloudwatch is the CloudWatch service of a cell: metrics, alarms with
// their history and actions, anomaly detectors, and dashboards.
//
//	cw, err := cloudwatch.New(cloudwatch.Config{
//		Cell: c, Metrics: db, Deliver: router, // who takes alarm actions
//	})
//	go cw.Run(ctx)
//
// An alarm is evaluated when one of its periods closes, by one loop for all
// alarms, and at once when a datapoint lands in a period that has closed already.
// Nothing polls.
package cloudwatch

import (
	"fmt"

	"flyball/internal/cell"
	"flyball/internal/deliver"
	"flyball/internal/tsdb"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell    *cell.Cell
	Metrics *tsdb.DB // run by its owner

	// Deliver carries out the actions of alarms, each with an alarm.Notification:
	// when the alarm goes into the state, and those that scale again each minute
	// while it stays there. Calls for one alarm come one after the other; calls for
	// different alarms come concurrently. Errors go into the alarm's history.
	Deliver *deliver.Router

	// FeedAWS has PutMetricData take metrics of namespaces that begin with AWS/, which it
	// refuses otherwise, as on AWS.
	FeedAWS bool
}

// API is the CloudWatch service. It has the SDK client's methods for the
// operations that it serves, and they may be called concurrently.
type API struct {
	cell *cell.Cell
	metrics
	detectors
	alarms
	dashboards
}

// New returns the service with what the cell's state has of it. It evaluates
// nothing before Run.
func New(cfg Config) (*API, error) {
	a := &API{cell: cfg.Cell, metrics: metrics{cell: cfg.Cell, db: cfg.Metrics, feeding: newFeeding(cfg)}}
	a.metrics.detectors = &a.detectors
	if err := a.detectors.open(cfg.Cell, &a.metrics); err != nil {
		return nil, fmt.Errorf("load anomaly detectors: %w", err)
	}
	a.alarms.detectors = &a.detectors
	if err := a.alarms.open(cfg); err != nil {
		return nil, err
	}
	if err := a.dashboards.open(cfg.Cell); err != nil {
		return nil, err
	}
	return a, nil
}
