// Command modelgen writes the constraint tables under ../model from AWS's API
// models, as botocore publishes them, and ../methods.go from the clients of
// aws-sdk-go-v2. It takes a checkout of botocore:
//
//	git clone --depth 1 https://github.com/boto/botocore
//	BOTOCORE=$PWD/botocore go generate ./internal/wire
//
// To serve another service, add it to sources and clients and run it again. Of EC2,
// which has ten times as many operations as others, the tables have those that are
// served: run it again to serve another.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
)

// sources are the models by the service name in credential scopes.
var sources = map[string]string{
	"application-autoscaling": "application-autoscaling/2016-02-06",
	"ec2":                     "ec2/2016-11-15",
	"ecr":                     "ecr/2015-09-21",
	"ecs":                     "ecs/2014-11-13",
	"elasticloadbalancing":    "elbv2/2015-12-01",
	"events":                  "events/2015-10-07",
	"iam":                     "iam/2010-05-08",
	"lambda":                  "lambda/2015-03-31",
	"logs":                    "logs/2014-03-28",
	"monitoring":              "cloudwatch/2010-08-01",
	"scheduler":               "scheduler/2021-06-30",
	"sqs":                     "sqs/2012-11-05",
	"sts":                     "sts/2011-06-15",
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 || os.Args[1] == "" {
		log.Fatal("usage: modelgen DIR, where DIR is a checkout of https://github.com/boto/botocore; " +
			"go generate takes it from the environment variable BOTOCORE")
	}
	if err := generate(filepath.Join(os.Args[1], "botocore")); err != nil {
		log.Fatal(err)
	}
}

func generate(botocore string) error {
	version, err := versionOf(botocore)
	if err != nil {
		return err
	}
	for name, path := range sources {
		has := func(string) bool { return true }
		if name == "ec2" {
			has = ec2Has
		}
		if err := generateTable(name, filepath.Join(botocore, "data", path, "service-2.json"), version, has); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return generateMethods()
}

// versionOf reads which release of botocore a checkout is of.
func versionOf(botocore string) (string, error) {
	b, err := os.ReadFile(filepath.Join(botocore, "__init__.py"))
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`__version__ = '([0-9.]+)'`).FindSubmatch(b)
	if found == nil {
		return "", fmt.Errorf("%s: no version", botocore)
	}
	return string(found[1]), nil
}
