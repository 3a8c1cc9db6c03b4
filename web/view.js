// What of a status document stands where.
const $ = (id) => document.getElementById(id);

// ---- alerts ------------------------------------------------------------------------------------

function alertList(status) {
  const list = status.alerts.map((a) => ({ key: [a.alert, a.account, a.model, a.dimension].join("|"),
    severity: a.severity, name: a.alert, text: a.text, advice: a.advice,
    since: status.time - a.since }));
  list.sort((a, b) => (b.severity === "critical") - (a.severity === "critical"));
  if (status.alerts_left_out) {
    list.push({ key: "more", severity: "warning", name: "more", text: `${whole(status.alerts_left_out)} more alerts`,
      advice: "", since: 0 });
  }
  return list;
}

// Alerts that come or go are spoken once; their figures change every second and are not.
const spoken = new Map();

function speak(list) {
  const words = [];
  for (const a of list) {
    if (!spoken.has(a.key)) words.push(`Alert, ${a.name}: ${a.text}`);
    spoken.set(a.key, a.name);
  }
  for (const [key, name] of spoken) {
    if (list.some((a) => a.key === key)) continue;
    words.push(`Over: ${name}`);
    spoken.delete(key);
  }
  if (words.length) say($("spoken"), words.join(". "));
}

function showAlerts(list) {
  speak(list);
  keep($("alerts"), list, (a) => a.key, () => {
    const node = make("div", { class: "alert" });
    node.parts = { name: make("b"), since: make("span", { class: "quiet", "aria-hidden": "true" }),
      text: make("p", { class: "said" }), advice: make("p", { class: "do" }) };
    const p = node.parts;
    node.append(make("p", {}, p.name, " ", p.since), p.text, p.advice);
    return node;
  }, (node, a) => {
    mark(node, "data-severity", a.severity);
    say(node.parts.name, `${a.severity === "critical" ? "\u2715" : "\u25B2"} ${a.name}`);
    say(node.parts.since, a.since ? `for ${span(a.since)}` : "");
    say(node.parts.text, a.text);
    say(node.parts.advice, a.advice);
  });
}

// ---- at a glance -------------------------------------------------------------------------------

// One sentence: what holds requests back, if anything does.
function verdictOf(status) {
  const out = status.accounts.filter((a) => a.paused && !a.retired);
  if (out.length) return ["bad", `Provider out: ${out.map((a) => a.name).join(", ")}`];
  const critical = status.alerts.find((a) => a.severity === "critical");
  if (critical) return ["bad", critical.text];
  let most = null;
  for (const pool of status.pools) {
    for (const v of pool.budgets) {
      if (v.binds && pool.queued && (!most || pool.queued > most.pool.queued)) most = { pool, v };
    }
  }
  if (most) {
    return ["full", `${most.pool.model} is held back by ${most.v.unit}: ${plural(most.pool.queued, "request waits", "requests wait")}`];
  }
  if (status.batch && status.batch.done >= status.batch.total) return ["good", "Done"];
  if (status.totals.queued) return ["full", plural(status.totals.queued, "request waits", "requests wait")];
  if (status.totals.in_flight) return ["good", "Nothing waits"];
  return ["good", status.totals.requests ? "Quiet: nothing is asked for" : "Ready: nothing has been asked for yet"];
}

function showGlance(status) {
  const [state, words] = verdictOf(status), t = status.totals;
  const refused = lately("refused_there", STEPS) + lately("refused_here", STEPS);
  const tiles = [
    ["waiting", "waiting", short(t.queued), t.queued ? "full" : "", t.queued],
    ["flying", "in flight", short(t.in_flight), "", t.in_flight],
    ["rate", "ended in the last minute", short(lately("requests", 12)), "", null],
    ["wait", "wait of the slowest 5 %, last minute", span(worst("wait_ms", 12) / 1000), "", null],
    ["tokens", "tokens in the last minute", short(lately("input_tokens", 12) + lately("output_tokens", 12)), "", null],
    ["refused", "refused in ten minutes", short(refused), refused ? "bad" : "", null],
  ];
  mark($("verdict"), "data-state", state);
  say($("verdict"), words);
  keep($("tiles"), tiles, (tile) => tile[0], (tile) => {
    const node = make("div");
    node.append(node.dt = make("dt", {}, tile[1]), node.dd = make("dd"));
    return node;
  }, (node, tile) => {
    mark(node, "data-state", tile[3]);
    say(node.dd, tile[2]);
    mark(node.dd, "data-value", tile[4]);
  });
  document.title = (status.alerts.length ? `\u26A0 ${plural(status.alerts.length, "alert", "alerts")} \u00b7 ` : "") +
    (t.queued ? `${whole(t.queued)} waiting \u00b7 ` : "") + "sluice";
  say($("what"), `${status.verb} ${status.version} \u00b7 up ${span(status.time - status.started)}` +
    (status.held_max ? ` \u00b7 ${plural(status.connections, "connection", "connections")}` : ""));
}

// ---- a batch -----------------------------------------------------------------------------------

function showBatch(batch) {
  const node = $("batch");
  show(node, Boolean(batch));
  if (!batch) return;
  if (!node.parts) {
    node.parts = { done: make("p", { id: "batch-done" }), eta: make("p", { id: "batch-eta" }),
      bar: make("progress", { "aria-label": "Rows done" }), files: make("p", { class: "quiet" }) };
    const p = node.parts;
    node.append(make("div", { class: "line" }, p.done, p.eta), p.bar, p.files);
  }
  const p = node.parts, share = batch.total ? (batch.done * 100) / batch.total : 100;
  say(p.done, `${whole(batch.done)} of ${whole(batch.total)} \u00b7 ${share.toFixed(1)} %`);
  say(p.eta, batch.eta === null ? "ETA not known yet" : `ETA ${span(batch.eta)}`);
  mark(p.bar, "max", batch.total || 1);
  mark(p.bar, "value", batch.done);
  say(p.files, [`${batch.input} \u2192 ${batch.output}`, batch.failed ? `${whole(batch.failed)} failed` : "",
    batch.state].filter(Boolean).join(" \u00b7 "));
}

// ---- tables ------------------------------------------------------------------------------------

const right = (text, more = {}) => [text, { class: "n", ...more }];

function showQueue(status) {
  const tenants = status.tenants.filter((t) => !t.gone || t.held);
  show($("queue"), tenants.length > 0);
  const rows = tenants.map((t) => [t.name, t.priority,
    ...["interactive", "normal", "batch"].map((rank) => right(whole(t.waiting[rank]))),
    right(whole(t.held - t.waiting.interactive - t.waiting.normal - t.waiting.batch)), right(whole(t.requests)),
    right(whole(t.refused), t.refused ? { "data-state": "bad" } : {}),
    right(`${short(t.input_tokens)} + ${short(t.output_tokens)}`), right(t.spent_usd ? `$${t.spent_usd.toFixed(2)}` : "\u2013"),
    [t.limits.map((l) => `${l.dimension} ${whole(l.left)} of ${whole(l.limit)} left`).join(", ") || "\u2013", {}]]);
  if (status.tenants_left_out) rows.push([`${whole(status.tenants_left_out)} less busy ones`, ...new Array(10).fill("")]);
  table($("queue").querySelector(".scroll"), "Queue by tenant and priority", ["tenant", "priority",
    right("interactive wait"), right("normal wait"), right("batch wait"), right("in flight"), right("requests"),
    right("refused"), right("tokens in + out"), right("spent"), "own limits"], rows, "No tenants.");
}

function showRequests(status) {
  const refused = status.requests.filter((r) => r.refused);
  const slow = status.requests.filter((r) => !r.refused)
    .sort((a, b) => b.wait + b.latency - (a.wait + a.latency));
  const many = status.tenants.length > 1;
  const who = (r) => (many ? [r.tenant] : []);
  const head = many ? ["tenant"] : [];
  table($("refused").querySelector(".scroll"), "Refused or failed requests", ["time", ...head, "model", right("status"),
    "diagnosis", right("waited")], refused.slice(0, 12).map((r) => [clock(r.time), ...who(r), r.model || "\u2013",
    right(String(r.status)), [r.what, { class: "what" }], right(span(r.wait))]), "None.");
  table($("slowest").querySelector(".scroll"), "Slowest requests", ["time", ...head, "model", "account", right("waited"),
    right("took"), right("together")], slow.slice(0, 10).map((r) => [clock(r.time), ...who(r), r.model, r.account,
    right(span(r.wait)), right(span(r.latency)), right(span(r.wait + r.latency))]), "None yet.");
}

function showLetters(channels) {
  show($("letters"), channels.length > 0);
  table($("letters").querySelector(".scroll"), "Deliveries of alerts", ["channel", right("delivered"),
    right("retried"), right("failed"), right("left out"), right("pending"), "trouble"], channels.map((c) => [c.channel,
    right(whole(c.delivered)), right(whole(c.retried)), right(whole(c.failed)), right(whole(c.left_out)),
    right(whole(c.pending)), c.trouble || "\u2013"]), "");
}

// ---- the whole ---------------------------------------------------------------------------------

function showStatus(status) {
  show($("figures"), true);
  show($("glance"), true);
  showAlerts(alertList(status));
  showGlance(status);
  showBatch(status.batch);
  keep($("accounts"), status.accounts.filter((a) => !a.retired || status.pools.some((p) => p.account === a.name && p.in_flight)),
    (a) => a.name, makeAccount, (node, a) => changeAccount(node, a, status.pools, status.alerts));
  showQueue(status);
  showRequests(status);
  showLetters(status.channels);
}
