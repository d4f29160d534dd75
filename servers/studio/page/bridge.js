// The host of an MCP App: JSON-RPC over postMessage, and the server's tools through it. Only the parent window is heard.

const PROTOCOL = "2026-01-26";
const CALL_TIMEOUT = 60_000;

class Bridge {
  #pending = new Map();
  #next = 1;

  /** `on` maps methods of the host to functions of their params; for a request, the function returns the result. */
  constructor(on) {
    this.on = on;
    this.capabilities = {};
    this.context = {};
    addEventListener("message", (event) => {
      if (event.source === window.parent && event.data?.jsonrpc === "2.0") this.#receive(event.data);
    });
  }

  async connect() {
    const result = await this.request("ui/initialize", {
      protocolVersion: PROTOCOL,
      appInfo: { name: "interleavethinker-storyboard", version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    this.capabilities = result.hostCapabilities ?? {};
    this.context = result.hostContext ?? {};
    this.notify("ui/notifications/initialized", {});
  }

  request(method, params, timeout = CALL_TIMEOUT) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error("The chat program did not answer. Try again."));
      }, timeout);
      this.#pending.set(id, { resolve, reject, timer });
      this.#post({ id, method, params });
    });
  }

  notify(method, params) {
    this.#post({ method, params });
  }

  /** Calls a tool of the server; returns the result, or throws what the tool says is wrong. */
  async call(name, args) {
    const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null && value !== undefined));
    const result = await this.request("tools/call", { name, arguments: given });
    if (!result.isError) return result;
    const words = (result.content ?? []).filter((block) => block.type === "text").map((block) => block.text);
    throw new Error(words.join("\n") || `The tool ${name} failed.`);
  }

  #receive(message) {
    if (message.method === undefined) {
      const waiting = this.#pending.get(message.id);
      if (!waiting) return;
      this.#pending.delete(message.id);
      clearTimeout(waiting.timer);
      if (message.error) waiting.reject(new Error(message.error.message || "The chat program refused the call."));
      else waiting.resolve(message.result ?? {});
      return;
    }
    const handler = this.on[message.method];
    if (message.id === undefined) handler?.(message.params ?? {});
    else if (handler) this.#post({ id: message.id, result: handler(message.params ?? {}) ?? {} });
    else if (message.method === "ping") this.#post({ id: message.id, result: {} });
    else this.#post({ id: message.id, error: { code: -32601, message: `Unknown method ${message.method}` } });
  }

  #post(message) {
    // The host's origin is unknown to a sandboxed frame; nothing secret is ever sent.
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }
}

export { Bridge };
