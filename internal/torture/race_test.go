//go:build race

package main

// raced builds what this test is built with, so that most of it is there already.
var raced = []string{"build", "-race"}
