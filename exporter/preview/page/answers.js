// An answer of the model -> elements. What is shown is decided by the names of the outputs.

import { bars, decimal, element, hue, markedText, styled, tokenList } from "./elements.js";

// The texts are those that were asked, by the names of their inputs.
export function show(answer, texts, labels) {
  if (Array.isArray(answer.classes)) return bars(answer.classes);
  if ("input_ids" in answer && "tokens" in answer) return tokens(answer, Object.values(texts));
  if ("entities" in answer) return entities(answer, texts.text);
  if ("tokens" in answer && "labels" in answer) return [tags(answer)];
  if ("tokens" in answer && "scores" in answer) return words(answer);
  if ("answer" in answer) return oneAnswer(answer, texts.context);
  if ("answers" in answer) return bestAnswers(answer, texts.context);
  if ("labels" in answer && "scores" in answer) return [bars(zip(answer.labels, answer.scores))];
  const names = Object.keys(answer);
  const values = answer[names[0]];
  if (names.length === 1 && isProbabilities(values)) {
    return [bars(values.map((score, index) => [labels[index] ?? String(index), score]))];
  }
  if (names.length === 1 && typeof values === "number") return [number(values)];
  if (names.length === 1 && isVector(values)) return vector(values);
  return [element("p", { class: "hint" }, "Its form is not known to this page; the JSON is below.")];
}

export function similarity(first, second) {
  const dot = sum(first.map((value, index) => value * second[index]));
  const cosine = dot / (length(first) * length(second));
  return [
    element("p", { class: "hint" }, "Cosine similarity of the two texts"),
    number(cosine),
    ...vector(first),
    ...vector(second),
  ];
}

export const isVector = (values) =>
  Array.isArray(values) && values.length > 0 && values.every((value) => typeof value === "number");

const zip = (first, second) => first.map((value, index) => [value, second[index]]);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const length = (values) => Math.sqrt(sum(values.map((value) => value * value)));

// As many as a vector of an embedding has are no labels.
const isProbabilities = (values) =>
  isVector(values) && values.length < 2000 && values.every((value) => value >= 0 && value <= 1);

const number = (value) => element("p", { class: "number" }, decimal(value));

function tokens(answer, texts) {
  const shown = [];
  let word = 0;
  let end = -1;
  answer.tokens.forEach((text, index) => {
    if (!answer.input_mask[index]) return;
    const [start, stop] = [answer.starts[index], answer.ends[index]];
    // Pieces of one word have one colour.
    if (start !== end) word += 1;
    end = stop;
    const place = start < 0 ? "–" : `${start}–${stop}`;
    const segment = texts.length > 1 ? [`text ${answer.segment_ids[index] + 1}`] : [];
    shown.push({
      text,
      start,
      notes: [String(answer.input_ids[index]), place, ...segment],
      hue: (word * 77) % 360,
    });
  });
  return [tokenList(shown), element("p", { class: "hint below" }, `${shown.length} tokens: their ids, and their places in the text`)];
}

function entities(answer, text) {
  const count = answer.count ?? answer.entities.length;
  const spans = answer.entities.slice(0, count).map((_, index) => ({
    start: answer.starts[index],
    end: answer.ends[index],
    label: answer.labels[index],
    note: answer.labels[index],
  }));
  const rows = spans.map((span, index) => [`${answer.entities[index]} – ${span.label}`, answer.scores[index]]);
  const found = rows.length ? bars(rows, { compete: false }) : element("p", { class: "hint" }, "No entity was found.");
  return [markedText(text, spans), found];
}

function tags(answer) {
  const shown = answer.tokens.map((text, index) => ({
    text,
    start: answer.starts[index],
    notes: answer.starts[index] < 0 ? [] : [answer.labels[index], `${answer.starts[index]}–${answer.ends[index]}`],
    hue: hue(answer.labels[index]),
  }));
  return tokenList(shown.filter((token) => token.text !== ""));
}

function words(answer) {
  // A row without a mask token has scores of -1.
  const rows = zip(answer.tokens, answer.scores).filter(([, score]) => score >= 0);
  if (rows.length) return [bars(rows)];
  return [element("p", { class: "hint" }, "The text has no mask token, such as [MASK].")];
}

function oneAnswer(answer, context) {
  const found = answer.start >= 0 && answer.end > answer.start;
  const spans = found ? [{ start: answer.start, end: answer.end, label: "answer" }] : [];
  const head = answer.answer === "" ? "The context has no answer." : answer.answer;
  return [
    element("p", { class: "found" }, head),
    markedText(context, spans, "answer"),
    bars([["score", answer.score]]),
  ];
}

function bestAnswers(answer, context) {
  // Fewer than were asked for are filled up with scores of -1.
  const rows = zip(answer.answers, answer.scores)
    .filter(([, score]) => score >= 0)
    .map(([text, score]) => [text || "(no answer)", score]);
  const best = { start: answer.starts[0], end: answer.ends[0], label: "answer" };
  return [markedText(context, best.start >= 0 ? [best] : [], "answer"), bars(rows)];
}

function vector(values) {
  const largest = Math.max(...values.map(Math.abs)) || 1;
  const kind = values.length < 100 ? "vector apart" : "vector";
  const picture = element("div", { class: kind, "aria-hidden": "true" });
  for (const value of values) {
    const height = `${(50 * Math.abs(value)) / largest}%`;
    const shift = value < 0 ? "50%" : "-50%";
    picture.append(styled(element("i"), { height, transform: `translateY(${shift})` }));
  }
  const first = values.slice(0, 4).map(decimal).join(", ");
  const words = `${values.length} numbers of length ${decimal(length(values))}: ${first}, …`;
  return [picture, element("p", { class: "hint" }, words)];
}
