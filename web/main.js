// The connection: events over fetch, since only fetch can show a token in a header.
const SILENCE_MS = 5000, RETRY_MAX_MS = 10000;
const link = { token: "", abort: null, retry: 1000, heard: 0, lostAt: 0, ended: "" };

function setLink(state, words) {
  mark($("link"), "data-state", state);
  say($("link"), words);
  $("main").classList.toggle("old", state === "lost");
}

// ---- the token: from the fragment or the form, for this tab alone ------------------------------

function takeFragment() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!found) return false;
  sessionStorage.setItem("token", found);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

function askToken(word) {
  sessionStorage.removeItem("token");
  setLink("wait", "not connected");
  say($("door-word"), word);
  show($("door"), true);
  show($("figures"), false);
  show($("glance"), false);
  showAlerts([]);
  $("token").focus();
}

// ---- events ------------------------------------------------------------------------------------

function takeEvent(name, data) {
  const value = JSON.parse(data);
  link.heard = Date.now();
  link.retry = 1000;
  if (name === "steps") takeSteps(value);
  if (name === "end") link.ended = clock(Date.now() / 1000);
  if (name !== "status") return;
  link.lostAt = 0;
  link.ended = "";
  setLink("live", "live");
  showStatus(value);
}

// Events end in an empty line; a piece of one waits for the rest.
function takeText(text) {
  const events = text.split("\n\n");
  for (const event of events.slice(0, -1)) {
    let name = "message", data = "";
    for (const line of event.split("\n")) {
      if (line.startsWith("event: ")) name = line.slice(7);
      if (line.startsWith("data: ")) data += line.slice(6);
    }
    takeEvent(name, data);
  }
  return events[events.length - 1];
}

async function listen() {
  link.abort = new AbortController();
  link.heard = Date.now();
  const answer = await fetch("/events", { signal: link.abort.signal, cache: "no-store",
    headers: { authorization: `Bearer ${link.token}` } });
  if (answer.status === 401) return "token";
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return "ended";
    rest = takeText(rest + value);
  }
}

function sayLost() {
  link.lostAt ||= Date.now();
  const ago = span(Math.round((Date.now() - link.lostAt) / 1000) || 1);
  setLink("lost", `lost ${ago} ago`);
  showAlerts([{ key: "lost", severity: "critical", name: "connection lost", since: 0,
    text: "The figures below are old.", advice: "Trying again, every ten seconds at the latest." }]);
}

async function connect() {
  for (;;) {
    let end;
    try {
      end = await listen();
    } catch {
      end = "lost";
    }
    if (end === "token") {
      askToken(link.token ? "This token is not the right one." : "");
      return;
    }
    if (link.ended) setLink("wait", `ended at ${link.ended}`);
    else sayLost();
    await new Promise((go) => setTimeout(go, link.retry));
    link.retry = Math.min(link.retry * 2, RETRY_MAX_MS);
  }
}

function open_(token) {
  link.token = token;
  show($("door"), false);
  setLink("wait", "connecting");
  connect();
}

// A server that is silent is as good as gone: it speaks once a second.
setInterval(() => {
  if (link.lostAt) sayLost();
  else if (link.abort && $("link").dataset.state === "live" && Date.now() - link.heard > SILENCE_MS) link.abort.abort();
}, 1000);

// ---- light and dark ----------------------------------------------------------------------------

const THEMES = ["auto", "light", "dark"];

function setTheme(theme) {
  if (theme === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = theme;
  say($("theme"), `Theme: ${theme}`);
  localStorage.setItem("theme", theme);
}

$("theme").addEventListener("click", () => {
  const now = localStorage.getItem("theme") ?? "auto";
  setTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
});
$("door").addEventListener("submit", (e) => {
  e.preventDefault();
  sessionStorage.setItem("token", $("token").value.trim());
  $("token").value = "";
  open_(sessionStorage.getItem("token"));
});
addEventListener("hashchange", () => {
  if (takeFragment()) location.reload(); // else it was a link within the page
});

setTheme(localStorage.getItem("theme") ?? "auto");
takeFragment();
open_(sessionStorage.getItem("token") ?? "");
