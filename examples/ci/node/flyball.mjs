// Tests scaling policies against flyball. Copy this file beside your tests. It starts a server whose clock
// stands still until the test moves it, and whose tasks are records that use what they are said to use.
// It needs the program flyball, in the PATH or named by FLYBALL.
//
//     const flyball = await start(t);                         // t is a test of node:test; the server ends with it
//     const ecs = new ECSClient(flyball.config);              // any client of the AWS SDK
//     await flyball.load("shop/web", { totalCpu: 240 });      // 60 % of each of 4 tasks
//     await flyball.wait("shop/web", { desired: 4 }, "5m");   // moves the clock

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export async function start(t, { begin = "2026-01-05T09:00:00Z", args = [] } = {}) {
  const server = spawn(
    process.env.FLYBALL ?? "flyball",
    ["serve", "--addr", "127.0.0.1:0", "--data", "", "--log-level", "error",
      "--clock", "manual", "--start", begin, "--runtime", "simulated", ...args],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise((resolve) => server.once("exit", resolve));
  t.after(() => { server.kill(); return ended; });
  const line = await Promise.race([
    new Promise((resolve, reject) => {
      createInterface({ input: server.stdout }).once("line", resolve);
      server.once("error", reject);
    }),
    ended.then(() => ""),
  ]);
  if (!line.startsWith("ready ")) throw new Error("flyball did not start; its reason is on standard error");
  return new Flyball(line.slice("ready ".length));
}

// Services are named CLUSTER/SERVICE, and durations are as in 90s and 5m.
class Flyball {
  constructor(url) {
    this.url = url;
    this.config = { endpoint: url, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  }

  // The server's time.
  async now() { return new Date((await this.#ask("GET", "clock", {})).now); }

  // Moves the clock. When it resolves, all that was due is done.
  async advance(duration) { await this.#ask("POST", "clock", { advance: duration }); }

  // What the service's tasks use, in percent of one task: totalCpu and totalMemory are divided among those that
  // run, taskCpu and taskMemory are in each.
  async load(service, percent) { await this.#ask("POST", "load", { service, ...percent }); }

  // Moves the clock until the service has these numbers of tasks, { desired, running }. If it does not, it throws the
  // reason. It resolves to what the service has.
  async wait(service, wanted, within = "5m") {
    const found = await this.#ask("POST", "wait", { service, within, ...wanted });
    if (!found.met) {
      throw new Error(`${service} has ${found.desired} desired and ${found.running} running at ${found.now}, ` +
        `and not ${JSON.stringify(wanted)} within ${within}\n${found.explanation}`);
    }
    return found;
  }

  async #ask(method, path, query) {
    const answer = await fetch(`${this.url}/console/api/${path}?${new URLSearchParams(query)}`, { method });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.json();
  }
}
