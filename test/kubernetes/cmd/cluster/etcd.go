package main

import (
	"context"
	"errors"
	"flag"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd runs etcd at a loopback address until ctx ends. What it writes is not synced: a
// test's data need not outlive its machine.
func runEtcd(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	dir := flags.String("dir", "", "folder of the data")
	clients := flags.String("clients", "", "URL for clients")
	peers := flags.String("peers", "", "URL for peers, of which there are none")
	_ = flags.Parse(args) // it exits
	forClients, err := url.Parse(*clients)
	if err != nil {
		return err
	}
	forPeers, err := url.Parse(*peers)
	if err != nil {
		return err
	}
	cfg := embed.NewConfig()
	cfg.Dir = *dir
	cfg.UnsafeNoFsync = true
	cfg.LogLevel = "warn"
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*forClients}, []url.URL{*forClients}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*forPeers}, []url.URL{*forPeers}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	defer server.Close()
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		return errors.New("etcd was not ready within a minute")
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-server.Err():
		return err
	}
}
