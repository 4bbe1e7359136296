// The pseudo code of the post, made real: it publishes how many messages wait in the
// queue for each task of the service. At zero tasks it divides by zero, as in the post:
// see docs/backlog.md for what comes of that.
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { ECSClient, paginateListTasks } from "@aws-sdk/client-ecs";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";

// The URL of a queue has the host that whoever made it used; a function finds AWS by its own.
const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
const [ecs, cloudwatch] = [new ECSClient(), new CloudWatchClient()];

async function getQueueAttributes(queueUrl, read) {
  return read(await sqs.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["ApproximateNumberOfMessages"] })));
}

// A page of ListTasks has 100 tasks at most.
async function getNumberOfActiveTaskInService(cluster, serviceName, read) {
  let tasks = 0;
  for await (const page of paginateListTasks({ client: ecs }, { cluster, serviceName, desiredStatus: "RUNNING" })) {
    tasks += read(page);
  }
  return tasks;
}

async function putMetricData(value, clusterName, serviceName) {
  const Dimensions = [{ Name: "ClusterName", Value: clusterName }, { Name: "ServiceName", Value: serviceName }];
  await cloudwatch.send(new PutMetricDataCommand({
    Namespace: "Vouchers",
    MetricData: [{ MetricName: "BacklogPerTask", Dimensions, Value: value, Unit: "Count" }],
  }));
  return { backlogPerTask: value };
}

export async function main(event, context) {
  try {
    const clusterName = process.env.ECS_CLUSTER_NAME;
    const serviceName = process.env.ECS_SERVICE_NAME;

    const approximateNumberOfMessages = await getQueueAttributes(
      process.env.QUEUE_URL,
      ({ Attributes }) => Attributes["ApproximateNumberOfMessages"],
    );
    const numberOfActiveTaskInService = await getNumberOfActiveTaskInService(clusterName, serviceName, ({ taskArns }) => taskArns.length);

    const backlogPerTask = approximateNumberOfMessages / numberOfActiveTaskInService;
    const metricData = await putMetricData(backlogPerTask, clusterName, serviceName);

    return { statusCode: 200, body: metricData };
  } catch (error) {
    const body = error.stack || JSON.stringify(error, null, 2);
    return { statusCode: 400, headers: {}, body: JSON.stringify(body) };
  }
}
