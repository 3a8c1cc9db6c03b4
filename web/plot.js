// Small plots of ten minutes: lines, bars, areas. What they show stands beside them in words, and
// in a table. The pointer, or the arrow keys, read single values.

// A round number that is not below the largest value.
function ceiling(values, least) {
  const most = Math.max(least, ...values);
  const power = 10 ** Math.floor(Math.log10(most));
  for (const step of [1, 1.5, 2, 3, 4, 5, 6, 8, 10]) if (step * power >= most) return step * power;
  return most;
}

function path(values, max, closed) {
  let d = "", open = false, start = 0;
  values.forEach((v, x) => {
    if (v === null) {
      if (open && closed) d += `L${x - 1} 100L${start} 100Z`;
      open = false;
      return;
    }
    const y = (100 - (100 * v) / max).toFixed(2);
    d += `${open ? "L" : "M"}${x} ${y}`;
    if (!open) start = x;
    open = true;
  });
  if (open && closed) d += `L${values.length - 1} 100L${start} 100Z`;
  return d;
}

function bars(values, under, max) {
  let d = "";
  values.forEach((v, x) => {
    if (!v) return;
    const low = 100 - (100 * under[x]) / max, high = Math.min(low - 2, low - (100 * v) / max);
    d += `M${x - 0.42} ${low}V${high}H${x + 0.42}V${low}Z`;
  });
  return d;
}

class Plot {
  // `series`: [{name, style, kind: "line" | "area" | "bar"}]; bars stand on one another.
  constructor(name, unit, options = {}) {
    this.name = name;
    this.unit = unit;
    this.options = options;
    this.series = [];
    this.at = null;
    this.now = make("span", { class: "now" });
    this.top = make("span", { class: "top", "aria-hidden": "true" });
    this.svg = draw("svg", { preserveAspectRatio: "none", role: "img" });
    this.key = make("ul", { class: "key" });
    this.node = make("figure", {},
      make("figcaption", {}, make("span", { class: "name" }, name), this.now),
      this.box = make("div", { class: "plot", tabindex: "0", role: "group",
        "aria-label": `${name}, last ten minutes; arrow keys read values` }, this.svg, this.top),
      make("div", { class: "ends", "aria-hidden": "true" },
        make("span", {}, "10 min ago"), make("span", {}, "now")), this.key);
    this.box.addEventListener("pointermove", (e) => {
      const r = this.box.getBoundingClientRect();
      this.read(Math.round(((e.clientX - r.left) / r.width) * (this.count() - 1)));
    });
    for (const leave of ["pointerleave", "blur"]) this.box.addEventListener(leave, () => this.read(null));
    this.box.addEventListener("keydown", (e) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12 }[e.key];
      const end = { Home: 0, End: this.count() - 1 }[e.key];
      if (step === undefined && end === undefined) {
        if (e.key === "Escape") this.read(null);
        return;
      }
      e.preventDefault();
      this.read(end ?? (this.at ?? this.count() - 1) + step);
    });
  }

  count() {
    return STEPS;
  }

  // series: [{name, style, kind, values}], oldest first, STEPS values each, null: not there.
  update(series) {
    this.series = series;
    const stacked = series.some((s) => s.kind !== "line");
    const sums = series[0].values.map((_, x) => series.reduce((n, s) => n + (s.values[x] ?? 0), 0));
    const all = stacked ? sums : series.flatMap((s) => s.values.filter((v) => v !== null));
    this.max = ceiling(all, this.options.least ?? 1);
    mark(this.svg, "viewBox", `0 0 ${this.count() - 1} 100`);
    say(this.top, this.options.write(this.max));
    const parts = [];
    if (this.options.limit) {
      const y = 100 - (100 * this.options.limit) / this.max;
      parts.push(draw("line", { class: "limit", x1: 0, x2: this.count() - 1, y1: y, y2: y }));
    }
    let under = sums.map(() => 0);
    for (const s of series) {
      if (s.kind === "line") {
        parts.push(draw("path", { class: `${s.style} stroke`, d: path(s.values, this.max, false) }));
      } else if (s.kind === "bar") {
        parts.push(draw("path", { class: `${s.style} bars`, d: bars(s.values, under, this.max) }));
      } else {
        const over = s.values.map((v, x) => (v === null ? null : v + under[x]));
        parts.push(draw("path", { class: `${s.style} fill`, d: path(over, this.max, true) }),
          draw("path", { class: `${s.style} stroke`, d: path(over, this.max, false) }));
      }
      if (s.kind !== "line") under = under.map((n, x) => n + (s.values[x] ?? 0));
    }
    this.cursor = draw("line", { class: "at", y1: 0, y2: 100, visibility: "hidden" });
    this.svg.replaceChildren(...parts, this.cursor);
    keep(this.key, series.length > 1 ? series : [], (s) => s.name, (s) => make("li", {},
      this.swatch(s), s.name), () => {});
    this.tell();
  }

  swatch(s) {
    const shape = s.kind === "bar" ? draw("rect", { class: `${s.style} bars`, width: 24, height: 10 })
      : draw("path", { class: `${s.style} stroke`, d: "M0 5H24" });
    return draw("svg", { viewBox: "0 0 24 10", "aria-hidden": "true" }, shape);
  }

  read(at) {
    this.at = at === null ? null : Math.max(0, Math.min(this.count() - 1, at));
    this.tell();
  }

  words(x) {
    const parts = this.series.filter((s) => s.values[x] !== null && s.values[x] !== undefined)
      .map((s) => (this.series.length > 1 ? `${s.name} ` : "") + this.options.write(s.values[x]));
    return parts.join(", ") || "nothing";
  }

  tell() {
    const last = this.count() - 1, x = this.at ?? last;
    const ago = (last - x) * STEP_S;
    say(this.now, this.at === null ? this.words(last) : `${span(ago)} ago: ${this.words(x)}`);
    mark(this.cursor, "visibility", this.at === null ? "hidden" : "visible");
    mark(this.cursor, "x1", x);
    mark(this.cursor, "x2", x);
    const most = this.series.map((s) => {
      const v = s.values.filter((n) => n !== null);
      return v.length ? `${s.name} at most ${this.options.write(Math.max(...v))}` : `${s.name} nothing`;
    });
    mark(this.svg, "aria-label", `${this.name}, last ten minutes: ${most.join("; ")}`);
    if (this.at === null) mark(this.box, "aria-valuetext", null);
    mark(this.box, "aria-label", this.at === null
      ? `${this.name}, last ten minutes; arrow keys read values`
      : `${this.name}, ${span(ago)} ago: ${this.words(x)}`);
  }
}
