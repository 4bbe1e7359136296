"""A pytest plugin that tests scaling policies against flyball. Copy it beside your tests.

In conftest.py:

    pytest_plugins = ["flyball_pytest"]

Each test that takes the fixture `flyball` has a server of its own, whose clock stands still until the
test moves it, and whose tasks are records that use what they are said to use. It needs boto3 and the
program flyball, in the PATH or named by FLYBALL.
"""

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import boto3
import pytest


class Flyball:
    """A server with a manual clock. Services are named CLUSTER/SERVICE, durations as in 90s and 5m."""

    def __init__(self, start="2026-01-05T09:00:00Z", arguments=()):
        self._process = subprocess.Popen(
            [os.environ.get("FLYBALL", "flyball"), "serve", "--addr", "127.0.0.1:0", "--data", "", "--log-level", "error",
             "--clock", "manual", "--start", start, "--runtime", "simulated", *arguments],
            stdout=subprocess.PIPE, text=True)
        ready = self._process.stdout.readline().split()
        if len(ready) != 2 or ready[0] != "ready":
            raise RuntimeError("flyball did not start; its reason is on standard error")
        self.url = ready[1]
        self._session = boto3.Session("test", "test", region_name="us-east-1")
        self._clients = {}

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()

    def client(self, service):
        """A client of boto3, such as client("ecs")."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, endpoint_url=self.url)
        return self._clients[service]

    def now(self):
        """The server's time, as a text in RFC 3339."""
        return self._ask("GET", "clock")["now"]

    def advance(self, duration):
        """Moves the clock. When it returns, all that was due is done."""
        self._ask("POST", "clock", advance=duration)

    def load(self, service, **percent):
        """What the service's tasks use: totalCpu=240 is 60 % of each of 4 tasks; taskCpu, totalMemory, taskMemory."""
        self._ask("POST", "load", service=service, **percent)

    def wait(self, service, desired=None, running=None, within="5m"):
        """Moves the clock until the service has these numbers of tasks. If it does not, the test fails, with the reason."""
        wanted = {k: v for k, v in {"desired": desired, "running": running}.items() if v is not None}
        found = self._ask("POST", "wait", service=service, within=within, **wanted)
        if not found["met"]:
            pytest.fail(f"{service} has {found['desired']} desired and {found['running']} running at {found['now']}, "
                        f"and not {wanted} within {within}\n{found['explanation']}", pytrace=False)

    def feed(self, namespace, metric, value, **dimensions):
        """Publishes a value of a metric now."""
        self.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[{
            "MetricName": metric, "Value": value, "Timestamp": self.now(),
            "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()]}])

    def deploy(self, service, tasks):
        """Makes a service with so many tasks of 1 vCPU and 2 GB, and waits until they run."""
        cluster, name = service.split("/")
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName=cluster)
        ecs.register_task_definition(
            family=name, cpu="1024", memory="2048", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
            containerDefinitions=[{"name": name, "image": name}])
        ecs.create_service(
            cluster=cluster, serviceName=name, taskDefinition=name, desiredCount=tasks, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}})
        self.wait(service, desired=tasks, running=tasks, within="1h")

    def tasks(self, service):
        """The desired count and the number of running tasks."""
        cluster, name = service.split("/")
        found = self.client("ecs").describe_services(cluster=cluster, services=[name])["services"][0]
        return found["desiredCount"], found["runningCount"]

    def _ask(self, method, path, **query):
        url = f"{self.url}/console/api/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            raise RuntimeError(refusal.read().decode().strip()) from None


@pytest.fixture
def flyball():
    server = Flyball()
    yield server
    server.stop()
