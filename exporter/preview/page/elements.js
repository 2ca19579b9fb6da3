// Elements of the page. Texts of a model or a person are only ever set as text, never as markup.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Widths and colours are set from here, since the page allows no style attributes.
export function styled(made, properties) {
  for (const [name, value] of Object.entries(properties)) made.style.setProperty(name, value);
  return made;
}

// Places of the server count characters; JavaScript counts some of them twice.
export const characters = (text) => Array.from(text);

// One colour for one label, wherever it turns up.
export function hue(label) {
  let sum = 7;
  for (const character of label) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return (sum * 137) % 360;
}

export const decimal = (value) => String(Number(value.toPrecision(4)));

const percent = (value) => `${(100 * value).toFixed(value > 0.9995 && value < 1 ? 2 : 1)} %`;

// Bars for [label, score] pairs, in the order given; scores from 0 to 1. Of labels, one is the best.
export function bars(pairs, { compete = true } = {}) {
  const grid = element("div", { class: "bars", role: "list" });
  const highest = Math.max(...pairs.map(([, score]) => score));
  for (const [label, score] of pairs) {
    const best = !compete || score === highest ? " best" : "";
    const fill = styled(element("div", { class: "fill" }), { width: `${100 * score}%` });
    grid.append(
      element("span", { class: `label${best}`, role: "listitem" }, label),
      element("div", { class: "track" }, fill),
      element("span", { class: `value${best}` }, percent(score)),
    );
  }
  return grid;
}

// A text with marks in it: spans of {start, end, label, note}, which may not overlap.
export function markedText(text, spans, kind = "") {
  const all = characters(text);
  const parts = [];
  let at = 0;
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    if (span.start < at) continue;
    parts.push(all.slice(at, span.start).join(""));
    const note = span.note ? [element("small", {}, span.note)] : [];
    const mark = element("mark", kind ? { class: kind } : {}, all.slice(span.start, span.end).join(""), ...note);
    parts.push(styled(mark, { "--hue": hue(span.label) }));
    at = span.end;
  }
  parts.push(all.slice(at).join(""));
  return element("p", { class: "text" }, ...parts);
}

export function tokenList(tokens) {
  const list = element("ol", { class: "tokens" });
  for (const token of tokens) {
    const special = token.start < 0;
    const item = element(
      "li",
      { class: special ? "token special" : "token" },
      element("b", {}, token.text),
      ...token.notes.map((note) => element("small", {}, note)),
    );
    list.append(styled(item, { "--hue": token.hue }));
  }
  return list;
}
