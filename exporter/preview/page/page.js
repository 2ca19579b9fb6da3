// The page that tries a model: a form, the answer, and the same request for a terminal.

import { show, similarity } from "./answers.js";
import { element } from "./elements.js";
import { curlLine, describe, firstAnswer, requestBody, signatureNames, textAreas } from "./signatures.js";

const at = (id) => document.getElementById(id);
// What was typed stays when another signature is chosen.
const typed = {};
let model = { name: "", version: "", report: null };
let signatures = {};
let chosen = null;

async function fetched(url, options) {
  const response = await fetch(url, { cache: "no-store", ...options });
  const document = await response.json();
  if (!response.ok) throw new Error(document.error ?? `${response.status} ${response.statusText}`);
  return document;
}

async function load() {
  model = await fetched("model.json");
  document.title = `Try ${model.name}`;
  at("name").textContent = model.name;
  const metadata = await fetched(`${modelUrl()}/metadata`);
  signatures = metadata.metadata.signature_def.signature_def;
  at("about").textContent = about();
  at("report").textContent = JSON.stringify(model.report, null, 2);
  at("report-section").hidden = model.report === null;
  const names = signatureNames(signatures);
  at("signature").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  const preferred = ["entities", "labels", "text"].find((name) => names.includes(name));
  at("signature").value = preferred ?? names[0];
  await choose();
}

const modelUrl = () => `v1/models/${encodeURIComponent(model.name)}`;

function about() {
  const report = model.report;
  const told = report ? [report.task, report.source?.kind, report.precision] : [];
  return [`version ${model.version}`, ...told.filter((text) => typeof text === "string")].join(" · ");
}

async function choose() {
  chosen = describe(at("signature").value, signatures);
  const areas = textAreas(chosen, typed) ?? [["json", "one instance, as JSON", await featuresOf(), 8]];
  at("fields").replaceChildren(
    ...areas.map(([name, label, value, rows]) => {
      const area = element("textarea", { id: `field-${name}`, name, rows, spellcheck: "false" });
      area.value = value;
      if (name === "json") area.className = "json";
      return element("div", { class: "field" }, element("label", { for: area.id }, label), area);
    }),
  );
  at("fields").dataset.of = chosen.name;
}

// Features are what a client's own tokenizer gives; the model's is at hand.
async function featuresOf() {
  const instance = Object.fromEntries(chosen.inputs.map((name) => [name, name === "label_ids" ? 0 : []]));
  if ("tokenize" in signatures) {
    const asked = describe("tokenize", signatures);
    const texts = Object.fromEntries(textAreas(asked, typed).map(([name, , value]) => [name, value]));
    const answer = firstAnswer(asked, await post(asked, requestBody(asked, texts)));
    for (const name of chosen.inputs) if (name in answer) instance[name] = answer[name];
  }
  return JSON.stringify(instance);
}

const post = (described, body) =>
  fetched(`${modelUrl()}:${described.verb}`, { method: "POST", body: JSON.stringify(body) });

function given() {
  const values = {};
  for (const area of at("fields").querySelectorAll("textarea")) values[area.name] = area.value;
  return values;
}

async function ask() {
  const values = given();
  at("ask").disabled = true;
  try {
    const { json, ...texts } = values;
    Object.assign(typed, texts);
    const body = chosen.fields
      ? requestBody(chosen, texts)
      : { signature_name: chosen.name, instances: [JSON.parse(json)] };
    const url = new URL(`${modelUrl()}:${chosen.verb}`, location.href);
    at("curl").textContent = curlLine(url, body);
    at("json").textContent = "";
    at("request").hidden = false;
    const start = performance.now();
    const answered = await post(chosen, body);
    const milliseconds = performance.now() - start;
    model = await fetched("model.json");
    at("about").textContent = about();
    at("measured").textContent = `${milliseconds.toFixed(0)} ms, as the browser sees it · version ${model.version}`;
    at("json").textContent = JSON.stringify(answered, null, 1);
    at("answer").replaceChildren(...[answerElements(answered, texts)].flat());
  } catch (error) {
    showError(error);
  } finally {
    at("ask").disabled = false;
  }
}

function answerElements(answered, texts) {
  if (chosen.compares && texts.other) return similarity(...answered.predictions);
  return show(firstAnswer(chosen, answered), texts, model.report?.labels ?? []);
}

function showError(error) {
  at("measured").textContent = "";
  at("answer").replaceChildren(element("p", { class: "wrong" }, error.message));
}

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
at("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("form").requestSubmit();
});
at("signature").addEventListener("change", () => choose().catch(showError));
at("copy").addEventListener("click", async () => {
  // Only this machine's own address may use the clipboard; elsewhere the line is marked.
  getSelection().selectAllChildren(at("curl"));
  await navigator.clipboard?.writeText(at("curl").textContent);
  at("copy").textContent = navigator.clipboard ? "Copied" : "Marked";
});
load().catch(showError);
