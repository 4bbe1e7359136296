package main

import (
	"log"
	"strings"

	taskruntime "flyball/internal/task"
	"flyball/internal/task/netns"
)

// removeBridge removes the network that a killed server with a data folder has left.
func removeBridge(data string) {
	name, err := taskruntime.Instance(data)
	if err == nil {
		err = netns.Remove(strings.Replace(name, "flyball-", "fb-", 1))
	}
	if err != nil {
		log.Print(err)
	}
}
