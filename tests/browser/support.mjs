// What the browser tests share: processes, a provider of our own making, Chromium, readers.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const SLUICE = path.resolve(process.env.SLUICE ?? "build/sluice");
export const TOKEN = "admin-token-of-a-test";
const CHROMIUM = execFileSync("sh", ["-c", `command -v ${process.env.CHROMIUM ?? "chromium"}`], { encoding: "utf8" }).trim();

export async function eventually(claim, what = "it never was so") {
  let last;
  for (let i = 0; i < 300; i++) {
    try {
      if (await claim()) return;
    } catch (e) {
      last = e;
    }
    await new Promise((go) => setTimeout(go, 100));
  }
  throw last ?? new Error(what);
}

// A process of ours whose lines are waited for.
export class Process {
  constructor(args, options = {}) {
    this.lines = [];
    this.waiting = [];
    this.child = spawn(SLUICE, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    this.ended = new Promise((done) => this.child.on("exit", done));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.lines.push(line);
        this.waiting = this.waiting.filter((take) => !take(line));
      });
    }
  }

  line(pattern) {
    const seen = this.lines.map((line) => line.match(pattern)).find(Boolean);
    if (seen) return Promise.resolve(seen);
    return new Promise((done, fail) => {
      this.ended.then(() => fail(new Error(`ended without ${pattern}: ${this.lines.join("\n")}`)));
      this.waiting.push((line) => {
        const found = line.match(pattern);
        if (found) done(found);
        return Boolean(found);
      });
    });
  }

  async stop(signal = "SIGTERM") {
    this.child.kill(signal);
    return this.ended;
  }
}

// Answers as `reply(body, response)` says; where it does not end the response, nobody does.
export async function provider(reply) {
  const held = new Set();
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    held.add(response);
    response.on("close", () => held.delete(response));
    reply(JSON.parse(body || "{}"), response);
  });
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  return { url: `http://127.0.0.1:${server.address().port}/v1`, close: () => {
    server.closeAllConnections();
    server.close();
  } };
}

export function answer(response, status = 200, tokens = [12, 7]) {
  const good = { id: "x", object: "chat.completion", model: "gpt-4o",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "four" } }],
    usage: { prompt_tokens: tokens[0], completion_tokens: tokens[1], total_tokens: tokens[0] + tokens[1] } };
  const bad = { error: { message: "Unknown parameter: 'foo'.", type: "invalid_request_error", param: "foo",
    code: "unknown_parameter" } };
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(status < 300 ? good : bad));
}

export class Gateway {
  constructor(config, adminPort = 0) {
    this.directory = mkdtempSync(path.join(tmpdir(), "sluice-browser-"));
    this.file = path.join(this.directory, "sluice.yaml");
    writeFileSync(this.file, `state: ${this.directory}/state\nlisten: 127.0.0.1:0\ngrace: 1s\n` +
      `admin: {listen: '127.0.0.1:${adminPort}', token_env: ADMIN_TOKEN}\n${config}`);
  }

  async start() {
    this.process = new Process(["serve", "-c", this.file], { env: { ...process.env, ADMIN_TOKEN: TOKEN } });
    this.url = (await this.process.line(/^listening on (http:\S+)/))[1];
    this.adminPort = Number((await this.process.line(/^admin on port (\d+)/))[1]);
    this.page = `http://127.0.0.1:${this.adminPort}/`;
    return this;
  }

  async post(fields = {}, headers = {}) {
    const reply = await fetch(`${this.url}/v1/chat/completions`, { method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ model: "gpt-4o", max_tokens: 20, messages: [{ role: "user", content: "How many?" }], ...fields }) });
    await reply.text();
    return reply.status;
  }

  async metrics() {
    const text = await (await fetch(`${this.page}metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
    const series = [];
    for (const line of text.split("\n")) {
      const m = line.match(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/);
      if (!m) continue;
      const labels = Object.fromEntries([...(m[2] ?? "").matchAll(/([a-z]+)="((?:[^"\\]|\\.)*)"/g)].map((p) => [p[1], p[2]]));
      series.push({ name: m[1], labels, value: Number(m[3]) });
    }
    return (name, wanted = {}) => series.filter((s) => s.name === name &&
      Object.entries(wanted).every(([k, v]) => s.labels[k] === v)).reduce((n, s) => n + s.value, 0);
  }

  async stop() {
    await this.process.stop("SIGTERM");
    this.process.child.kill("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

// One Chromium for all tests of a file; a context of its own for each.
export async function openBrowser() {
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
}

// A page that remembers what should not have happened.
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const origin = new URL(url).origin;
  page.wrong = [];
  page.on("console", (m) => m.type() === "error" && page.wrong.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => page.wrong.push(`error: ${e.message}`));
  page.on("request", (r) => {
    if (!r.url().startsWith(origin) && !r.url().startsWith("data:")) page.wrong.push(`request: ${r.url()}`);
  });
  await page.goto(url);
  return page;
}

export async function live(page) {
  await page.waitForSelector('#link[data-state="live"]');
}

export const number = (text) => Number(text.replace(/[^0-9.]/g, ""));
