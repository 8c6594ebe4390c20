// A client of the Language Server Protocol: a process, and messages to and from it.
// It knows nothing of VS Code.

"use strict";

const { spawn } = require("child_process");

class Client {
  // `handlers.notification(method, params)` gets what the server says by itself,
  // `handlers.end(reason)` is called once, when it has ended and nobody asked for it.
  constructor(command, args, handlers) {
    this.handlers = handlers;
    this.number = 0;
    this.waiting = new Map(); // What answers a request, by its number.
    this.received = Buffer.alloc(0);
    this.said = "";
    this.ended = false;
    this.process = spawn(command, args, { stdio: "pipe" });
    this.process.on("error", (error) => this.end(error.message));
    this.process.on("close", (code) => this.end(this.said.trim() || `it ended with ${code}`));
    this.process.stdin.on("error", () => {}); // `close` says so too.
    this.process.stderr.on("data", (data) => (this.said = (this.said + data).slice(-2000)));
    this.process.stdout.on("data", (data) => this.receive(data));
  }

  // Resolves with the result; rejects with the server's error, or when it ends.
  request(method, params) {
    if (this.ended) return Promise.reject(new Error("the server has ended"));
    const id = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.send({ id, method, params });
    });
  }

  notify(method, params) {
    if (!this.ended) this.send({ method, params });
  }

  // Lets the server end; what is not answered by then is rejected.
  async stop() {
    if (this.ended) return;
    this.handlers.end = () => {};
    await this.request("shutdown").catch(() => {});
    this.notify("exit");
    this.process.stdin.end();
  }

  send(message) {
    const content = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    this.process.stdin.write(`Content-Length: ${content.length}\r\n\r\n`);
    this.process.stdin.write(content);
  }

  receive(data) {
    this.received = Buffer.concat([this.received, data]);
    for (;;) {
      const start = this.received.indexOf("\r\n\r\n");
      if (start < 0 && this.received.length < 1000) return;
      const header = /^content-length: *(\d+)/i.exec(this.received.toString("ascii", 0, start));
      if (!header) return this.giveUp();
      const end = start + 4 + Number(header[1]);
      if (this.received.length < end) return;
      let message;
      try {
        message = JSON.parse(this.received.toString("utf8", start + 4, end));
      } catch {
        return this.giveUp();
      }
      this.received = this.received.subarray(end);
      this.handle(message);
    }
  }

  // Of a program that is no server.
  giveUp() {
    this.process.kill();
    this.process.stdout.destroy();
    this.end("it writes what is no message");
  }

  handle(message) {
    if (message.method !== undefined) {
      if (message.id === undefined) this.handlers.notification(message.method, message.params);
      else this.send({ id: message.id, error: { code: -32601, message: "not supported" } });
      return;
    }
    const answer = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (!answer) return;
    if (message.error) answer.reject(new Error(message.error.message));
    else answer.resolve(message.result);
  }

  end(reason) {
    if (this.ended) return;
    this.ended = true;
    for (const { reject } of this.waiting.values()) reject(new Error(reason));
    this.waiting.clear();
    this.handlers.end(reason);
  }
}

module.exports = { Client };
