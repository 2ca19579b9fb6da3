// What a signature is asked by: the fields of its form, and the request made of them.

const SAMPLES = {
  text: "a stirring, funny film",
  text_a: "Is it any good?",
  text_b: "A stirring, funny film.",
  question: "Who wrote it?",
  context: "The film was written by Ada Smith and shot in Lisbon.",
};
const MASKED_SAMPLE = "a stirring, [MASK] film";
const TAGGED_SAMPLE = "Ada Smith of Acme moved from Lisbon to Berlin.";
const CLASSIFY = "tensorflow/serving/classify";
const REGRESS = "tensorflow/serving/regress";
const OTHER_TEXT = "another text, to compare (may stay empty)";

// Those that a client names; "__saved_model_init_op" is none.
export function signatureNames(metadata) {
  const names = Object.keys(metadata).filter((name) => !name.startsWith("__saved_model"));
  const rank = (name) => (name === "serving_default" ? 1 : name.startsWith("features") ? 2 : 0);
  return names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

export function describe(name, metadata) {
  const signature = metadata[name];
  const inputs = Object.keys(signature.inputs);
  const verb = { [CLASSIFY]: "classify", [REGRESS]: "regress" }[signature.method_name] ?? "predict";
  const isText = Object.values(signature.inputs).every((input) => input.dtype === "DT_STRING");
  const outputs = Object.keys(signature.outputs);
  const takesExamples = isText && inputs.length === 1 && inputs[0] === "inputs";
  // Names of the features of a tf.Example stand in no signature: they are the texts' names.
  const texts = takesExamples ? Object.keys(metadata.text?.inputs ?? { text: null }) : inputs;
  return {
    name,
    verb: takesExamples ? verb : "predict",
    takesExamples,
    outputs,
    fields: isText ? inOrder(texts) : null,
    inputs,
    compares: outputs.length === 1 && outputs[0] === "embedding" && isText,
  };
}

const ORDER = Object.keys(SAMPLES);
const inOrder = (names) => [...names].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));

// [name, label, value, rows] of each text area.
export function textAreas(described, given) {
  if (described.fields === null) return null;
  const gives = (...names) => names.every((name) => described.outputs.includes(name));
  const sample = (name) => {
    if (gives("entities") || gives("tags")) return TAGGED_SAMPLE;
    if (described.outputs.length === 2 && gives("tokens", "scores")) return MASKED_SAMPLE;
    return SAMPLES[name] ?? "";
  };
  const areas = described.fields.map((name) => [
    name,
    name,
    given[name] ?? sample(name),
    name === "context" ? 5 : name === "text" ? 3 : 2,
  ]);
  if (described.compares) areas.push(["other", OTHER_TEXT, given.other ?? "", 2]);
  return areas;
}

export function requestBody(described, texts) {
  const body = described.name === "serving_default" ? {} : { signature_name: described.name };
  if (described.takesExamples) return { ...body, examples: [texts] };
  const { other, ...asked } = texts;
  const row = (values) => (described.fields.length === 1 ? Object.values(values)[0] : values);
  const instances = [row(asked)];
  if (other) instances.push(row({ ...asked, [described.fields[0]]: other }));
  return { ...body, instances };
}

// An answer in row format, with its outputs by name.
export function firstAnswer(described, document) {
  if (described.takesExamples) {
    const result = document.results[0];
    return Array.isArray(result) ? { classes: result } : { [described.outputs[0]]: result };
  }
  const row = document.predictions[0];
  return described.outputs.length === 1 ? { [described.outputs[0]]: row } : row;
}

export function curlLine(url, body) {
  const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl -d '${quoted}' ${url}`;
}
