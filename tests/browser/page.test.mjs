// The dashboard in headless Chromium: its figures are the metrics', it can be used by keyboard and
// read by a screen reader, in light and dark, from a telephone to a wall, and it speaks to nobody
// but its own server.
//
// By hand: SLUICE=build/sluice node --test tests/browser/page.test.mjs
//          SHOTS=folder leaves pictures there to look at.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, test as testOf } from "node:test";
import path from "node:path";
import { Gateway, Process, TOKEN, answer, eventually, live, number, openBrowser, openPage, provider } from "./support.mjs";

const test = (name, check) => testOf(name, { timeout: 120000 }, check); // only a broken one takes so long
let browser;
const shots = process.env.SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

async function shot(page, name) {
  if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
}

const account = (up, limits) => `accounts: {main: {base_url: '${up.url}', window: bucket, limits: {gpt-4o: {${limits}}}}}\n`;

// Two are with a provider that does not answer, four wait for a slot, three were answered before:
// a moment that stands still.
async function still() {
  let n = 0;
  const up = await provider((body, response) => {
    if (++n <= 3) answer(response);
    else if (n === 4) answer(response, 400);
  });
  const gateway = await new Gateway(account(up, "rpm: 500, tpm: 30000, rpd: 1000, concurrency: 2")).start();
  const calls = [];
  for (let i = 0; i < 4; i++) await gateway.post();
  for (let i = 0; i < 6; i++) calls.push(gateway.post().catch(() => 0));
  await eventually(async () => {
    const m = await gateway.metrics();
    return m("sluice_queued_requests") === 4 && m("sluice_in_flight_requests") === 2;
  });
  return { gateway, up, calls, close: async () => {
    up.close();
    await gateway.stop();
    await Promise.all(calls);
  } };
}

test("figures on the page are the metrics'", async () => {
  const scene = await still();
  const page = await openPage(browser, `${scene.gateway.page}#token=${TOKEN}`);
  await live(page);
  await eventually(async () => {
    const m = await scene.gateway.metrics(), of = { account: "main", model: "gpt-4o" };
    const tile = (key) => page.getAttribute(`#tiles [data-key="${key}"] dd`, "data-value").then(Number);
    assert.equal(await tile("waiting"), m("sluice_queued_requests"));
    assert.equal(await tile("flying"), m("sluice_in_flight_requests"));
    const card = page.locator('article[data-account="main"][data-model="gpt-4o"]');
    const counts = (await card.locator("> p.quiet").textContent()).split(",").map(number);
    assert.deepEqual(counts, [m("sluice_requests_total", { ...of, outcome: "ok" }), m("sluice_refusals_total", of),
      m("sluice_requests_total", { ...of, outcome: "provider_error" }), m("sluice_tokens_total", { ...of, direction: "input" }),
      m("sluice_tokens_total", { ...of, direction: "output" })]);
    assert.equal(counts[0], 3);
    for (const dimension of ["rpm", "tpm", "rpd", "concurrency"]) {
      const gauge = card.locator(`.gauge[data-dimension="${dimension}"]`), labels = { ...of, dimension };
      const used = Number(await gauge.locator("[data-used]").getAttribute("data-used"));
      const limit = Number(await gauge.locator("[data-limit]").getAttribute("data-limit"));
      const left = Number(await gauge.locator("[data-left]").getAttribute("data-left"));
      assert.deepEqual([used, limit, left], [m("sluice_budget_used", labels), m("sluice_budget_limit", labels),
        m("sluice_budget_remaining", labels)], dimension);
      assert.equal(number(await gauge.locator(".share").textContent()), Math.round((used * 100) / limit));
      assert.equal(await gauge.locator('[role="meter"]').getAttribute("aria-valuenow"), String(Math.min(100, Math.round((used * 100) / limit))));
    }
    return true;
  });
  const m = await scene.gateway.metrics();
  const rows = page.locator("#queue tbody tr");
  const cells = await rows.first().locator("th, td").allTextContents();
  assert.deepEqual(cells.slice(0, 5), ["everybody", "normal", "0", "4", "0"]);
  assert.equal(number(cells[6]), m("sluice_tenant_requests_total"));
  assert.match(await page.textContent("#verdict"), /held back by requests in flight: 4 requests wait/);
  // The failed one, by its diagnosis.
  assert.match(await page.textContent("#refused td.what"), /status 400/);
  assert.equal(await page.locator("#slowest tbody tr").count(), 3);
  // The ten minutes, in the table beside the plots.
  await page.click("summary");
  await eventually(async () => {
    const heads = await page.locator("details table thead th").allTextContents();
    const ended = await page.locator(`details table tbody tr td:nth-of-type(${heads.indexOf("ended")})`).allTextContents();
    return ended.map(number).reduce((a, b) => a + b, 0) === 4;
  }, "the table does not show the four that ended");
  assert.deepEqual(page.wrong, []);
  await shot(page, "still");
  await scene.close();
});

test("the token stays in this tab, and out of the address", async () => {
  const up = await provider((body, response) => answer(response));
  const gateway = await new Gateway(account(up, "rpm: 500")).start();
  const reply = await fetch(gateway.page);
  const policy = reply.headers.get("content-security-policy");
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'sha256-/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.ok(!(await reply.text()).includes(TOKEN));

  const page = await openPage(browser, `${gateway.page}#token=${TOKEN}`);
  await live(page);
  assert.equal(page.url(), gateway.page);
  assert.equal(await page.evaluate(() => sessionStorage.getItem("token")), TOKEN);
  assert.ok(!(await page.evaluate(() => JSON.stringify(localStorage))).includes(TOKEN));
  assert.equal(await page.evaluate(() => document.cookie), "");
  await page.reload();
  await live(page); // the tab remembers
  assert.deepEqual(page.wrong, []);

  const stranger = await openPage(browser, gateway.page);
  await stranger.waitForSelector("#door:not([hidden])");
  assert.equal(await stranger.locator("#figures").isVisible(), false);
  await stranger.keyboard.type("wrong");
  await stranger.keyboard.press("Enter");
  await stranger.waitForFunction(() => document.querySelector("#door-word").textContent.includes("not the right one"));
  await stranger.keyboard.type(TOKEN);
  await stranger.keyboard.press("Enter");
  await live(stranger);
  assert.equal(await stranger.locator("#door").isVisible(), false);
  await gateway.stop();
  up.close();
});

test("it says so when it has lost the connection, and finds it again", async () => {
  const up = await provider((body, response) => answer(response));
  let gateway = await new Gateway(account(up, "rpm: 500")).start();
  const port = gateway.adminPort;
  const page = await openPage(browser, `${gateway.page}#token=${TOKEN}`);
  await live(page);
  gateway.process.child.kill("SIGKILL");
  await page.waitForSelector('#link[data-state="lost"]');
  await eventually(async () => (await page.textContent("#alerts")).includes("connection lost"));
  assert.match(await page.textContent("#spoken"), /connection lost/);
  await gateway.process.ended;
  await gateway.stop();
  gateway = await new Gateway(account(up, "rpm: 500"), port).start();
  await live(page);
  assert.equal(await page.locator(".alert").count(), 0);
  await gateway.stop();
  await page.waitForFunction(() => document.querySelector("#link").textContent.startsWith("ended at"));
  up.close();
});

test("alerts come and go, and are spoken once", async () => {
  let good = false;
  const up = await provider((body, response) => {
    if (good) return answer(response);
    response.writeHead(429, { "content-type": "application/json" });
    response.end('{"error":{"code":"insufficient_quota","message":"You exceeded your current quota","type":"insufficient_quota"}}');
  });
  const gateway = await new Gateway(`${account(up, "rpm: 500")}alerts: {calm: 1s}\n`).start();
  const page = await openPage(browser, `${gateway.page}#token=${TOKEN}`);
  await live(page);
  await page.evaluate(() => {
    window.said = [];
    new MutationObserver(() => window.said.push(document.querySelector("#spoken").textContent))
      .observe(document.querySelector("#spoken"), { childList: true, characterData: true, subtree: true });
  });
  await gateway.post();
  await page.waitForSelector('.alert[data-severity="critical"]');
  assert.match(await page.textContent(".alert"), /wallet.*no credit is left.*Add credit/s);
  assert.match(await page.textContent("#verdict"), /no credit is left/);
  assert.match(await page.textContent("#accounts .state"), /no credit left/);
  assert.equal((await gateway.metrics())("sluice_alert_active", { alert: "wallet", account: "main" }), 1);
  await shot(page, "alert");
  good = true;
  await gateway.post();
  await page.waitForFunction(() => document.querySelectorAll(".alert").length === 0);
  const said = await page.evaluate(() => window.said);
  assert.equal(said.length, 2, said.join(" | "));
  assert.match(said[0], /^Alert, wallet/);
  assert.equal(said[1], "Over: wallet");
  await gateway.stop();
  up.close();
});

test("it can be used by keyboard alone", async () => {
  const scene = await still();
  const page = await openPage(browser, `${scene.gateway.page}#token=${TOKEN}`);
  await live(page);
  await page.waitForSelector("#slowest table");
  const at = () => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);
  const ring = () => page.evaluate(() => {
    const s = getComputedStyle(document.activeElement);
    return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2;
  });
  const seen = [];
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    if ((await at()) === "BODY") break; // all the way round
    seen.push(await at());
    assert.ok(await ring(), `${seen[i]} does not show that it has the focus`);
  }
  assert.deepEqual(seen.slice(0, 7), ["skip", "theme", "plot", "plot", "plot", "plot", "SUMMARY"]);
  assert.equal(seen.filter((name) => name === "scroll").length, 3, "tables can be scrolled by keyboard");

  await page.focus(".skip");
  await page.keyboard.press("Enter");
  assert.equal(await at(), "main");
  await page.focus("summary");
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("details table").isVisible());

  const plot = page.locator(".plot").first();
  await plot.focus();
  await page.keyboard.press("ArrowLeft");
  assert.match(await plot.getAttribute("aria-label"), /5\.0 s ago/);
  await page.keyboard.press("Home");
  assert.match(await plot.getAttribute("aria-label"), /9m 50s ago/);
  await page.keyboard.press("Escape");
  assert.match(await plot.getAttribute("aria-label"), /arrow keys/);

  await page.focus("#theme");
  await page.keyboard.press("Enter");
  assert.equal(await page.getAttribute("html", "data-theme"), "light");
  await scene.close();
});

test("a screen reader finds its way", async () => {
  const scene = await still();
  const page = await openPage(browser, `${scene.gateway.page}#token=${TOKEN}`);
  await live(page);
  await page.waitForSelector("article");
  const found = await page.evaluate(() => {
    const named = (e) => Boolean(e.getAttribute("aria-label") || document.getElementById(e.getAttribute("aria-labelledby") ?? "")?.textContent ||
      e.textContent.trim());
    return {
      lang: document.documentElement.lang,
      landmarks: ["header", "main", "footer"].map((tag) => document.querySelectorAll(`body > ${tag}`).length),
      live: [...document.querySelectorAll("[aria-live], [role=alert], [role=status]")].map((e) => e.id),
      nameless: [...document.querySelectorAll("section, [role=region], [role=meter], [role=group], [role=img], button, input, progress, table")]
        .filter((e) => !named(e) && !e.closest("[hidden]")).map((e) => e.outerHTML.slice(0, 80)),
      headings: [...document.querySelectorAll("h1, h2, h3, h4")].filter((e) => e.offsetParent).map((e) => Number(e.tagName[1])),
      unscoped: document.querySelectorAll("th:not([scope])").length,
      ids: [...document.querySelectorAll("[id]")].map((e) => e.id),
    };
  });
  assert.equal(found.lang, "en");
  assert.deepEqual(found.landmarks, [1, 1, 1]);
  assert.deepEqual(found.live, ["spoken"]);
  assert.deepEqual(found.nameless, []);
  assert.equal(found.unscoped, 0);
  assert.equal(new Set(found.ids).size, found.ids.length, "an id stands twice");
  found.headings.forEach((level, i) => assert.ok(level <= (found.headings[i - 1] ?? 0) + 1, `a heading leaps to ${level}`));
  const tree = await page.locator("body").ariaSnapshot();
  assert.match(tree, /meter "requests per day in use"/);
  assert.match(tree, /img "Use of the limits, last ten minutes/);
  await scene.close();
});

// WCAG 2.2 contrast of every text against what is behind it; and of gauges against their trough.
function contrasts() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (css) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const behind = (e) => {
    let color = [0, 0, 0, 0];
    for (let node = e; node; node = node.parentElement) {
      const [r, g, b, a] = rgba(getComputedStyle(node).backgroundColor), free = 1 - color[3];
      color = [color[0] + r * free * (a / 255), color[1] + g * free * (a / 255), color[2] + b * free * (a / 255), color[3] + free * (a / 255)];
      if (color[3] > 0.999) break;
    }
    return color;
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const low = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const e = node.parentElement;
    if (!node.nodeValue.trim() || !e.checkVisibility() || e.closest(".unseen, .skip, script, style")) continue;
    const r = ratio(rgba(getComputedStyle(e).color), behind(e));
    if (r < 4.5) low.push(`${r.toFixed(2)} "${node.nodeValue.trim().slice(0, 40)}" .${e.className}`);
  }
  for (const water of document.querySelectorAll(".gauge .water")) {
    const r = ratio(rgba(getComputedStyle(water).backgroundColor), behind(water.parentElement));
    const hatched = water.closest('[data-state="full"]');
    if (!hatched && r < 3) low.push(`${r.toFixed(2)} gauge`);
  }
  return low;
}

test("light and dark, by the system and by the switch, with enough contrast", async () => {
  const scene = await still();
  for (const scheme of ["light", "dark"]) {
    const page = await openPage(browser, `${scene.gateway.page}#token=${TOKEN}`, { colorScheme: scheme });
    await live(page);
    const ground = () => page.evaluate(() => {
      const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
      return r + g + b > 384 ? "light" : "dark";
    });
    assert.equal(await ground(), scheme);
    await page.waitForSelector("article .plot path", { state: "attached" });
    await page.click("summary");
    assert.deepEqual(await page.evaluate(contrasts), [], scheme);
    await shot(page, scheme);
    for (const [theme, expected] of [["light", "light"], ["dark", "dark"], ["auto", scheme]]) {
      await page.click("#theme");
      assert.equal(await page.textContent("#theme"), `Theme: ${theme}`);
      assert.equal(await ground(), expected);
    }
    await page.click("#theme");
    await page.reload();
    await live(page);
    assert.equal(await ground(), "light"); // remembered
    assert.deepEqual(page.wrong, []);
  }
  await scene.close();
});

test("from a telephone to a wall nothing is cut off", async () => {
  const scene = await still();
  for (const [width, height] of [[360, 740], [768, 1024], [1280, 800], [1920, 1080], [3840, 2160]]) {
    const page = await openPage(browser, `${scene.gateway.page}#token=${TOKEN}`, { viewport: { width, height } });
    await live(page);
    await page.waitForSelector("article .plot path", { state: "attached" });
    const found = await page.evaluate(() => ({
      wide: document.scrollingElement.scrollWidth - innerWidth,
      out: [...document.querySelectorAll("main *")].filter((e) => e.checkVisibility() && !e.closest(".scroll, svg, .unseen") &&
        e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.className),
      verdict: document.querySelector("#verdict").getBoundingClientRect(),
      tile: parseFloat(getComputedStyle(document.querySelector("#tiles dd")).fontSize),
    }));
    assert.ok(found.wide <= 0, `${width}: ${found.wide} px too wide`);
    assert.deepEqual(found.out, [], `${width}`);
    assert.ok(found.verdict.bottom < height, `${width}: the verdict is below the first screen`);
    /* About 1/60 of the width: at three metres from a screen of a metre, two degrees of arc. */
    if (width >= 1280) assert.ok(found.tile >= width / 60, `${width}: figures of ${found.tile} px`);
    assert.deepEqual(page.wrong, []);
    await shot(page, `width-${width}`);
  }
  await scene.close();
});

test("names that clients choose are text and nothing else", async () => {
  const up = await provider((body, response) => answer(response));
  const gateway = await new Gateway(`accounts: {main: {base_url: '${up.url}', window: bucket}}\n`).start();
  const evil = "<img src=x onerror=\"document.title='taken'\">'\"\u2028";
  const page = await openPage(browser, `${gateway.page}#token=${TOKEN}`);
  await live(page);
  await gateway.post({ model: evil });
  await eventually(async () => (await page.locator("article h3").allTextContents()).includes(evil));
  assert.equal(await page.locator("main img").count(), 0);
  assert.doesNotMatch(await page.title(), /taken/);
  assert.deepEqual(page.wrong, []);
  await gateway.stop();
  up.close();
});

test("a batch run shows itself", async () => {
  let hold = true;
  const waiting = [];
  const up = await provider((body, response) => {
    if (hold && body.messages[0].content.endsWith("9?")) waiting.push(response);
    else answer(response);
  });
  const gateway = new Gateway(""); // for its folder alone
  const input = path.join(gateway.directory, "in.jsonl");
  writeFileSync(input, Array.from({ length: 30 }, (_, i) => JSON.stringify({ custom_id: `r${i}`, method: "POST",
    url: "/v1/chat/completions", body: { model: "gpt-4o", max_tokens: 5, messages: [{ role: "user", content: `How many ${i}?` }] } })).join("\n") + "\n");
  const run = new Process(["run", input, "-o", path.join(gateway.directory, "out.jsonl"), "--base-url", up.url, "--limits",
    "*:rpm=600000,tpm=60000000", "--ui", "-q"], { env: { ...process.env, XDG_STATE_HOME: gateway.directory } });
  const url = (await run.line(/^ui +(http:\S+#token=[0-9a-f]{40})$/))[1];
  const page = await openPage(browser, url);
  await live(page);
  await eventually(async () => (await page.textContent("#batch-done")) === "27 of 30 \u00b7 90.0 %");
  assert.equal(await page.getAttribute("#tiles [data-key=flying] dd", "data-value"), "3");
  assert.equal(await page.getAttribute("#batch progress", "value"), "27");
  assert.equal(await page.locator("#queue").isVisible(), false);
  await shot(page, "batch");
  hold = false;
  for (const response of waiting) answer(response);
  assert.equal(await run.ended, 0);
  await page.waitForFunction(() => document.querySelector("#link").textContent.startsWith("ended at"));
  assert.equal(await page.textContent("#batch-done"), "30 of 30 \u00b7 100.0 %");
  assert.equal(run.lines.filter((line) => line.includes("token=")).length, 1);
  assert.deepEqual(page.wrong.filter((w) => !w.includes("ERR_CONNECTION_REFUSED")), []);
  up.close();
});
