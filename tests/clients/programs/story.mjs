// A whole answer of the trajectory server through the official TypeScript SDK, which validates every structured content.
// Usage: story.mjs MODULES 1|2 COMMAND...

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, version, command, ...args] = process.argv.slice(2);
const load = (...path) => import(pathToFileURL(join(modules, "@modelcontextprotocol", ...path)).href);
const [{ Client }, { StdioClientTransport }] =
  version === "1"
    ? [await load("sdk", "dist", "esm", "client", "index.js"), await load("sdk", "dist", "esm", "client", "stdio.js")]
    : [await load("client", "dist", "index.mjs"), await load("client", "dist", "stdio.mjs")];

const client = new Client({ name: "test", version: "1" });
await client.connect(new StdioClientTransport({ command, args, stderr: "ignore" }));
const { tools } = await client.listTools();
const call = (name, input) => client.callTool({ name, arguments: input });
let view = (
  await call("illustrate", { request: "Draw a big red ball on the left. Then make it blue.", seed: 5 })
).structuredContent;
const trajectory = view.trajectory;
let last;
while (view.status !== "done") {
  last = await call("follow", { trajectory, since: view.version, wait: 20 });
  view = last.structuredContent;
}
last ??= await call("show_storyboard", { trajectory });
const document = await call("get_document", { trajectory });
const error = await call("follow", { trajectory: "nothing" });
await client.close();
console.log(
  JSON.stringify({
    tools: tools.map((tool) => tool.name),
    last: last.content[0].text,
    document: document.content[0].text,
    blocks: document.content.map((block) => block.type),
    error: error.content[0].text,
  }),
);
process.exit(0);
