// Accounts, and of each model its budgets as gauges and its ten minutes as plots.
const FULL = 0.8;

function makeGauge() {
  const part = (name) => make("span", { class: name });
  const node = make("div", { class: "gauge", role: "group" });
  node.parts = { dim: part("dim"), share: part("share"), water: part("water"), words: part("words"),
    used: make("b"), limit: make("span"), left: make("span"), binds: part("binds") };
  const p = node.parts;
  p.trough = make("div", { class: "trough", role: "meter", "aria-valuemin": "0", "aria-valuemax": "100" },
    p.water, make("span", { class: "mark" }));
  p.words.append(p.used, p.limit, p.left, p.binds);
  node.append(p.dim, p.trough, p.share, p.words);
  return node;
}

function changeGauge(node, v) {
  const p = node.parts, share = percent(v.used, v.limit);
  const told = v.limit > 0;
  mark(node, "data-dimension", v.dimension);
  mark(node, "data-state", told && v.used > v.limit * FULL ? "full" : "good");
  mark(node, "aria-label", v.unit);
  say(p.dim, v.dimension === "concurrency" ? "slots" : v.dimension.replace("_", " "));
  say(p.share, told ? `${share} %` : "?");
  p.water.style.setProperty("--share", `${Math.min(100, share)}%`);
  mark(p.trough, "aria-label", `${v.unit} in use`);
  mark(p.trough, "aria-valuenow", Math.min(100, share));
  mark(p.trough, "aria-valuetext", told ? `${share} percent, ${whole(v.used)} of ${whole(v.limit)}` : "limit not known");
  say(p.used, `${whole(v.used)} used`);
  say(p.limit, told ? `of ${whole(v.limit)} ${v.unit}${v.learned ? ", learned" : ""}` : `${v.unit}, limit not known yet`);
  say(p.left, told ? `${whole(v.left)} left now` : "");
  say(p.binds, v.binds ? `\u25B6 binds${v.wait > 0.001 ? `: next in ${span(v.wait)}` : ""}` : "");
  mark(p.used, "data-used", v.used);
  mark(p.limit, "data-limit", v.limit);
  mark(p.left, "data-left", v.left);
}

const perMinute = (values) => values.map((n) => (n === null ? null : n * (60 / STEP_S)));

function makePlots() {
  const whole_ = { write: (n) => short(n) };
  return {
    use: new Plot("Use of the limits", "%", { least: 100, limit: 100, write: (n) => `${Math.round(n)} %` }),
    wait: new Plot("Wait, 95th percentile", "s", { least: 1, write: (n) => span(n) }),
    refused: new Plot("Refused", "requests", { least: 4, write: (n) => short(n) }),
    tokens: new Plot("Tokens a minute", "tokens", { least: 10, ...whole_ }),
  };
}

function changePlots(plots, track) {
  const dims = Object.keys(track.share);
  plots.use.update(dims.length ? dims.map((dim, i) => ({ name: dim, style: `s${i % 4}`, kind: "line",
    values: track.share[dim].map((n) => (n === null ? null : n / 10)) }))
    : [{ name: "use", style: "s0", kind: "line", values: new Array(STEPS).fill(null) }]);
  plots.wait.update([{ name: "wait", style: "s1", kind: "area",
    values: track.wait_ms.map((n) => (n === null ? null : n / 1000)) }]);
  plots.refused.update([
    { name: "by the provider", style: "bad", kind: "bar", values: track.refused_there },
    { name: "here", style: "warm", kind: "bar", values: track.refused_here }]);
  plots.tokens.update([
    { name: "in", style: "s0", kind: "area", values: perMinute(track.input_tokens) },
    { name: "out", style: "s2", kind: "area", values: perMinute(track.output_tokens) }]);
}

// A row a minute: what the plots show, for those who cannot see them.
function tabulate(node, track) {
  const dims = Object.keys(track.share), rows = [];
  const most = (list) => Math.max(0, ...list), sum = (list) => list.reduce((n, v) => n + (v ?? 0), 0);
  for (let ago = 0; ago < 10; ago++) {
    const to = STEPS - ago * 12, from = Math.max(0, to - 12);
    const cut = (list) => list.slice(from, to);
    const n = (text) => [text, { class: "n" }];
    rows.push([ago ? `${ago} min ago` : "last minute",
      ...dims.map((dim) => n(`${Math.round(most(cut(track.share[dim])) / 10)} %`)),
      n(span(most(cut(track.wait_ms)) / 1000)), n(whole(sum(cut(track.requests)))),
      n(whole(sum(cut(track.refused_there)))), n(whole(sum(cut(track.refused_here)))),
      n(whole(sum(cut(track.input_tokens)))), n(whole(sum(cut(track.output_tokens))))]);
  }
  const n = (text) => [text, { class: "n" }];
  table(node, "Ten minutes, a row a minute", ["when", ...dims.map((d) => n(`${d} at most`)), n("wait"),
    n("ended"), n("refused by the provider"), n("refused here"), n("tokens in"), n("tokens out")], rows, "");
}

function makeModel(pool) {
  const node = make("article", { "data-account": pool.account, "data-model": pool.model });
  const p = node.parts = { flying: make("b"), waiting: make("b"), gauges: make("div", { class: "gauges" }),
    plots: makePlots(), table: make("div", { class: "scroll", role: "region", tabindex: "0",
      "aria-label": `Figures of ${pool.model}` }), counts: make("p", { class: "quiet" }), drawn: -1 };
  p.details = make("details", {}, make("summary", {}, "These ten minutes as a table"), p.table);
  node.append(make("div", { class: "model-head" }, make("h3", {}, pool.model),
    make("p", {}, p.flying, " in flight \u00b7 ", p.waiting, " waiting")),
  p.gauges, make("div", { class: "plots" }, ...Object.values(p.plots).map((plot) => plot.node)),
  p.counts, p.details);
  return node;
}

function changeModel(node, pool) {
  const p = node.parts, o = pool.outcomes;
  say(p.flying, whole(pool.in_flight));
  say(p.waiting, whole(pool.queued));
  keep(p.gauges, pool.budgets, (v) => v.dimension, makeGauge, changeGauge);
  const refused = pool.refusals.reduce((n, r) => n + r.count, 0);
  say(p.counts, `Since the start: ${whole(o.ok)} answered, ${whole(refused)} refused, ` +
    `${whole(o.provider_error + o.unreached + o.cut)} failed, ${whole(pool.input_tokens)} tokens in, ` +
    `${whole(pool.output_tokens)} out`);
  const track = past.tracks.get(trackKey(pool.account, pool.model)) ?? emptyTrack();
  if (p.drawn === past.to) return;
  p.drawn = past.to;
  changePlots(p.plots, track);
  tabulate(p.table, track);
}

// Models at which nothing has happened for ten minutes are named, not drawn.
function isQuiet(pool) {
  const track = past.tracks.get(trackKey(pool.account, pool.model));
  if (pool.queued || pool.in_flight || pool.budgets.some((v) => v.used > 0)) return false;
  return !track || !["requests", "refused_there", "refused_here"].some((name) => track[name].some((n) => n > 0));
}

function accountState(a, alerts) {
  const broke = alerts.some((one) => one.alert === "wallet" && one.account === a.name);
  if (a.retired) return ["", "no longer configured; finishes what it has"];
  if (a.paused) return ["bad", "\u2715 provider out, probing" + (a.trouble ? `: ${a.trouble}` : "")];
  if (a.keys_refused) return ["bad", `\u2715 ${a.keys_refused} of ${plural(a.keys, "key", "keys")} refused`];
  if (broke) return ["bad", "\u2715 no credit left"];
  return ["good", "\u25CF works"];
}

function makeAccount(a) {
  const id = `account-${a.name}`;
  const node = make("section", { "aria-labelledby": id });
  node.parts = { state: make("span", { class: "state" }), meta: make("span", { class: "quiet" }),
    models: make("div", { class: "models" }), quiet: make("p", { class: "quiet" }) };
  const p = node.parts;
  node.append(make("div", { class: "account-head" }, make("h2", { id }, a.name), p.state, p.meta),
    p.models, p.quiet);
  return node;
}

function changeAccount(node, a, pools, alerts) {
  const p = node.parts, [state, words] = accountState(a, alerts);
  mark(p.state, "data-state", state);
  say(p.state, words);
  say(p.meta, [a.provider, a.tier ? (a.tier.startsWith("tier") ? a.tier : `tier ${a.tier}`) : "limits learned or given",
    plural(a.keys, "key", "keys"), a.outages ? plural(a.outages, "outage", "outages") : ""]
    .filter(Boolean).join(" \u00b7 "));
  const mine = pools.filter((pool) => pool.account === a.name);
  const quiet = mine.filter(isQuiet);
  keep(p.models, mine.filter((pool) => !quiet.includes(pool)), (pool) => pool.model, makeModel, changeModel);
  say(p.quiet, quiet.length ? `Quiet for ten minutes: ${quiet.map((pool) => pool.model).join(", ")}`
    : mine.length ? "" : "Nothing has been asked of it yet.");
}
