// The page is built once and then changed where something has changed, so that neither eyes nor
// screen readers nor selections lose their place.
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function mark(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

// The children of `parent` become one for each item, by key, in order; each is made once, and
// `change(node, item)` brings it up to date.
function keep(parent, items, key, create, change) {
  const there = new Map();
  for (const child of parent.children) there.set(child.dataset.key, child);
  let after = null;
  for (const item of items) {
    const name = key(item);
    let node = there.get(name);
    there.delete(name);
    if (!node) {
      node = create(item);
      node.dataset.key = name;
    }
    const place = after ? after.nextElementSibling : parent.firstElementChild;
    if (place !== node) parent.insertBefore(node, place);
    change(node, item);
    after = node;
  }
  for (const gone of there.values()) gone.remove();
}

// A table whose cells are texts, or [text, attributes]; rebuilt only where its text has changed.
function table(parent, caption, heads, rows, none) {
  const seen = JSON.stringify([heads, rows]);
  if (parent.dataset.seen === seen) return;
  parent.dataset.seen = seen;
  if (rows.length === 0) {
    parent.replaceChildren(make("p", { class: "none" }, none));
    return;
  }
  const cell = (tag, value) => {
    const [text, attributes] = Array.isArray(value) ? value : [value, {}];
    return make(tag, attributes, text);
  };
  parent.replaceChildren(make("table", { "aria-label": caption },
    make("thead", {}, make("tr", {}, ...heads.map((h) => {
      const th = cell("th", h);
      th.scope = "col";
      return th;
    }))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((value, i) => {
      const node = cell(i ? "td" : "th", value);
      if (!i) node.scope = "row";
      return node;
    }))))));
}
