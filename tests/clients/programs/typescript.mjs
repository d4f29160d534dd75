// Calls of the official TypeScript SDK, which validates every structured content, of errors too.
// Usage: typescript.mjs MODULES 1|2 COMMAND...

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
const { tools } = await client.listTools(); // From here on the client validates.
const call = async (name, input) => {
  try {
    return await client.callTool({ name, arguments: input });
  } catch (error) {
    return { thrown: String(error) };
  }
};
const results = {
  tools: tools.map((tool) => tool.name),
  prompts: client.getServerCapabilities().prompts ?? null,
  made: await call("generate_image", { prompt: "a ball", seed: Number.MAX_SAFE_INTEGER }),
  unknown: await call("edit_image", { prompt: "x", image: `image://${"0".repeat(64)}` }),
  misspelt: await call("generate_image", { prompt: "x", with: 512 }),
  mistyped: await call("generate_image", { prompt: "x", seed: "many" }),
  status: await call("server_status", {}),
};
await client.close();
console.log(JSON.stringify(results));
process.exit(0);
