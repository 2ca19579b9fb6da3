"""The model card of a version: its export.json in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from exporter.contract import (
    ANSWERS,
    CLASSIFY,
    EMBEDDING,
    ENTITIES,
    FEATURES,
    FEATURES_WITH_LABEL_IDS,
    LABELS,
    REGRESS,
    TAGS,
    TEXT,
    TOKENIZE,
)
from exporter.text.long_texts import HEAD_TAIL, WINDOWS

_MOST_LABELS = 100
_WORDS = {
    TEXT: "plain text in, the answer out",
    LABELS: "the labels by name, best first",
    ANSWERS: "the best answers, with their scores and places",
    ENTITIES: "the entities of the text, with their places",
    TAGS: "the label of every token",
    EMBEDDING: "the vector of the text",
    FEATURES: "ids of a client that tokenizes by itself",
    FEATURES_WITH_LABEL_IDS: "the same for clients of the recipe of 2020",
    CLASSIFY: "tf.Examples, for the API of that name",
    REGRESS: "tf.Examples, for the API of that name",
    TOKENIZE: "what the model reads of the text: tokens, ids, places",
}


def model_card(report: Mapping[str, Any], name: str, curl: str) -> str:
    """The card in Markdown.

    Args:
      report: the content of export.json.
      name: of the model, as its server will most likely have it.
      curl: a command line that asks it.
    """
    return "\n".join(line for part in _parts(report, name, curl) for line in (*part, ""))


def _parts(report: Mapping[str, Any], name: str, curl: str) -> Iterator[list[str]]:
    text, versions = report["text"], report["versions"]
    made_by = f"bert-text-exporter {versions['bert-text-exporter'] or '(not installed)'}"
    yield [f"# {_plain(name)}"]
    yield [
        f"A SavedModel for TensorFlow Serving {report['oldest_tensorflow_serving']} and newer that "
        f"takes plain text: {_plain(report['source']['kind'])}, exported by {made_by} with "
        f"TensorFlow {versions['tensorflow']}. This card was made from `export.json` beside it."
    ]
    yield [
        *("| | |", "|---|---|"),
        f"| task | {_plain(report['task'])} |",
        f"| made from | {_code(report['source']['checkpoint'])} |",
        f"| tokenizer | {_code(text['tokenizer'])}, "
        f"{'uncased' if text['do_lower_case'] else 'cased'}, {text['vocabulary_lines']} pieces |",
        f"| length | {text['max_seq_length']} tokens with [CLS] and [SEP] |",
        f"| weights | {report['precision']} |",
    ]
    yield from _labels(report["labels"])
    yield ["## How to ask"]
    yield _asking(report, curl)
    yield ["## Limits"]
    yield [
        f"- A text of more than {text['max_seq_length']} tokens is "
        + (
            "read in windows that overlap."
            if text["long_text"] == WINDOWS
            else "cut in the middle."
            if text["long_text"] == HEAD_TAIL
            else "cut."
        ),
        f"- Casing, accents and control characters follow {_tables(text['unicode_version'])}.",
        "- Nothing here was measured about accuracy or fairness: who trained the model knows for "
        "which texts it is good.",
    ]
    yield ["## Evidence"]
    yield list(_evidence(report))


def _labels(labels: list[str]) -> Iterator[list[str]]:
    if labels:
        yield ["## Labels"]
        listed = [f"{index}. {_code(label)}" for index, label in enumerate(labels[:_MOST_LABELS])]
        more = len(labels) - len(listed)
        yield [*listed, *([f"and {more} more, in `export.json`"] if more else [])]


def _asking(report: Mapping[str, Any], curl: str) -> list[str]:
    named = [
        f"- {_code(signature)}" + (f": {_WORDS[signature]}" if signature in _WORDS else "")
        for signature in report["signatures"]
    ]
    return [
        "```",
        curl,
        "```",
        "",
        f"Signatures (`serving_default` is the same as {_code(report['serving_default'])}):",
        "",
        *named,
    ]


def _evidence(report: Mapping[str, Any]) -> Iterator[str]:
    found, load = report["verification"], report["load"]
    if found is None:
        yield "- Its answers were not compared with anything (`--noverify`)."
    else:
        yield (
            f"- Ids equal to the reference tokenizer's, {_code(report['text']['tokenizer'])}, "
            f"on {found['texts_with_equal_ids']} texts; answers within "
            f"{found['largest_probability_difference']:.1e} of an independent computation on "
            f"{found['texts_with_compared_probabilities']}."
        )
    if report["warmup_requests"]:
        yield f"- {report['warmup_requests']} warm-up requests, which were run before publishing."
    if load is not None:
        yield (
            f"- Loading took {load['seconds']:g} s and {load['resident_megabytes']} MB on "
            f"{load['processors']} processors, warm-up included."
        )
    yield (
        f"- Every op of its graph exists in TensorFlow Serving from "
        f"{report['oldest_tensorflow_serving']} on."
    )


def _tables(version: str) -> str:
    """Whose tables of characters: of Python's Unicode, or of a library that is named."""
    return _plain(f"Unicode {version}" if version[:1].isdigit() else version)


def _plain(text: str) -> str:
    """Words for Markdown: without what could be markup or end a line."""
    return "".join(c if c.isprintable() and c not in "`<>[]|*_\\" else " " for c in text).strip()


def _code(text: str) -> str:
    """A name in a code span, which it cannot end."""
    shown = "".join(c if c.isprintable() and c not in "`|" else repr(c)[1:-1] for c in text)
    return f"`{shown.replace('`', chr(39)).replace('|', chr(166))}`"
