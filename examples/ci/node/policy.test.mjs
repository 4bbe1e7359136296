import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ApplicationAutoScalingClient, PutScalingPolicyCommand, RegisterScalableTargetCommand,
} from "@aws-sdk/client-application-auto-scaling";
import { CreateClusterCommand, CreateServiceCommand, ECSClient, RegisterTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import { start } from "./flyball.mjs";

const target = {
  ServiceNamespace: "ecs",
  ScalableDimension: "ecs:service:DesiredCount",
  ResourceId: "service/shop/web",
};

// Keeps the CPU of shop/web at 60 %, with 2 to 10 tasks.
async function putPolicy(scaling) {
  await scaling.send(new RegisterScalableTargetCommand({ ...target, MinCapacity: 2, MaxCapacity: 10 }));
  await scaling.send(new PutScalingPolicyCommand({
    ...target,
    PolicyName: "cpu",
    PolicyType: "TargetTrackingScaling",
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 60,
      ScaleOutCooldown: 60,
      ScaleInCooldown: 120,
      PredefinedMetricSpecification: { PredefinedMetricType: "ECSServiceAverageCPUUtilization" },
    },
  }));
}

async function deploy(ecs) {
  await ecs.send(new CreateClusterCommand({ clusterName: "shop" }));
  await ecs.send(new RegisterTaskDefinitionCommand({
    family: "web", cpu: "1024", memory: "2048", networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"],
    containerDefinitions: [{ name: "web", image: "shop/web" }],
  }));
  await ecs.send(new CreateServiceCommand({
    cluster: "shop", serviceName: "web", taskDefinition: "web", desiredCount: 2, launchType: "FARGATE",
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
  }));
}

test("the lunch peak is served", async (t) => {
  const flyball = await start(t);
  await deploy(new ECSClient(flyball.config));
  await putPolicy(new ApplicationAutoScalingClient(flyball.config));
  await flyball.wait("shop/web", { running: 2 });

  await flyball.load("shop/web", { totalCpu: 100 }); // 50 % of each of two
  await flyball.advance("30m");
  assert.equal((await flyball.wait("shop/web", { running: 2 }, "0s")).desired, 2);

  await flyball.load("shop/web", { totalCpu: 360 }); // more than two can do
  await flyball.wait("shop/web", { desired: 4 }, "5m");
  await flyball.wait("shop/web", { desired: 6, running: 6 }, "10m");

  await flyball.load("shop/web", { totalCpu: 100 });
  await flyball.wait("shop/web", { desired: 2, running: 2 }, "1h");
});
