// Numbers, times and spans as people read them: the words of `sluice status`.
const thousands = new Intl.NumberFormat("en-US");

function whole(n) {
  return thousands.format(n);
}

// 12,345 as "12.3k" where there is little room.
function short(n) {
  if (n < 10000) return whole(Math.round(n));
  if (n < 1e6) return (n / 1e3).toFixed(n < 1e5 ? 1 : 0) + "k";
  return (n / 1e6).toFixed(n < 1e7 ? 1 : 0) + "M";
}

function span(s) {
  if (s === null || s === undefined || s < 0) return "not known";
  if (s < 0.001) return "0";
  if (s < 0.9995) return Math.round(s * 1000) + " ms";
  if (s < 59.95) return s.toFixed(1) + " s";
  s = Math.round(s);
  const m = Math.floor(s / 60), h = Math.floor(m / 60), two = (n) => String(n).padStart(2, "0");
  if (h >= 24) return Math.floor(h / 24) + "d " + (h % 24) + "h";
  return h ? `${h}h ${two(m % 60)}m` : `${m}m ${two(Math.floor(s % 60))}s`;
}

function clock(unix) {
  return new Date(unix * 1000).toLocaleTimeString("en-GB");
}

function percent(part, all) {
  return all > 0 ? Math.round((part * 100) / all) : 0;
}

function plural(n, one, many) {
  return `${whole(n)} ${n === 1 ? one : many}`;
}
