"""The reported models, R01 to R13: each answers as the library, or is refused by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tests.programs.reported_cases.running import Case, Wrong

_TOLERANCE = 1e-5


def _same(what: str, given: object, expected: object) -> None:
    if isinstance(expected, list) and expected and isinstance(expected[0], float):
        difference = np.abs(np.ravel(np.array(given)) - np.array(expected)).max()
        if not difference <= _TOLERANCE:
            raise Wrong(f"{what} differ by {difference}")
    elif given != expected:
        raise Wrong(f"{what} are {given}, not {expected}")


def _classifier(folder: str, text: str) -> Callable[[Case], str]:
    """Ids, probabilities and label of a text as each version of the library has them."""

    def check(case: Case) -> str:
        model = case.model(folder)
        case.exported(model)
        ids = case.ask("tokenize", text)["input_ids"][0]
        answer = case.ask("labels", text)
        probabilities = case.ask("text", text)["probabilities"][0]
        said = case.judged("hf", model, text)
        for library in said:
            _same("ids", ids, library["input_ids"])
            _same("probabilities", probabilities, library["probabilities"])
            _same("label", answer["label"], [library["label"]])
        return f"{len(ids)} ids, {answer['label'][0]}, as {len(said)} versions"

    return check


def _cross_encoder(folder: str, *flags: str) -> Callable[[Case], str]:
    def check(case: Case) -> str:
        model, pair = case.model(folder), ("good soup", "the room was bad")
        case.exported(model, *flags)
        score = case.ask("text", *pair)["scores"]
        said = case.judged("ce", model, *pair)
        for library in said:
            _same("scores", score, library["scores"])
        case_without = Case(case.cases, case.scratch / "single", case.judges)
        case_without.scratch.mkdir()
        case_without.refused(model, "--text_pair is false", flags=("--text_pair=false",))
        return f"score {score[0]:.5f}, as {len(said)} versions; single texts are refused"

    return check


def _cut_vectors(case: Case) -> str:
    model = case.model("R06-truncate-dim")
    case.exported(model)
    vector = case.ask("text", "good soup")["embedding"][0]
    said = [library["embedding"][0] for library in case.judged("st", model, "good soup")]
    # Release 5 does not read the setting.
    expected = next(library for library in said if len(library) == len(vector))
    _same("vectors", vector, expected)
    return f"{len(vector)} numbers"


def _refused(folder: str, *told: str, flags: tuple[str, ...] = ()) -> Callable[[Case], str]:
    def check(case: Case) -> str:
        case.refused(case.model(folder), *told, flags=flags)
        return f"refused: {told[0]}"

    return check


_SENTENCES = {
    "stale-vocab-size": ("config.json", "vocab_size"),
    "bom": ("byte order mark",),
    "sentencepiece": ("SentencePiece",),
    "lfs-json": ("Git LFS",),
    "three-numbers": ("one output", "several"),
    "adapter": ("merge",),
    "onnx-only": ("ONNX",),
    "hub-cache": ("snapshots/abc",),
}
_READ = ("data-parallel", "compiled", "lightning")


def _sentences(case: Case) -> str:
    case.run("python", str(case.cases / "R12-refusal-sentences" / "make.py"))
    models = case.cases / "R12-refusal-sentences" / "models"
    for name, told in _SENTENCES.items():
        try:
            case.refused(models / name, *told)
        except Wrong as error:
            raise Wrong(f"{name}: {error}") from error
    plain = _answer(case, case.cases / "R02-label-names-absent" / "model", "plain")
    for name in _READ:
        _same(name, _answer(case, models / name, name), plain)
    return f"{len(_SENTENCES)} sentences; {', '.join(_READ)} are read"


def _answer(case: Case, model: Path, name: str) -> list[float]:
    if name == "plain":
        case.model("R02-label-names-absent")
    own = Case(case.cases, case.scratch / name, case.judges)
    own.scratch.mkdir()
    own.exported(model)
    return list(own.ask("text", "good soup")["probabilities"][0])


MODELS: Mapping[str, Callable[[Case], str]] = {
    "R01-maxlen-default-128": _classifier("R01-maxlen-default-128", "the soup was good " * 60),
    "R02-label-names-absent": _classifier("R02-label-names-absent", "good soup"),
    "R03-st6-cross-encoder-dir": _cross_encoder("R03-st6-cross-encoder-dir"),
    "R04-cross-encoder-sigmoid": _cross_encoder("R04-cross-encoder-sigmoid", "--text_pair"),
    "R05-japanese-class-in-config": _refused(
        "R05-japanese-class-in-config", "BertJapaneseTokenizer", "MeCab"
    ),
    "R06-truncate-dim": _cut_vectors,
    "R07-casing-default-cased-vocab": _classifier(
        "R07-casing-default-cased-vocab", "The Soup EU Berlin"
    ),
    "R08-added-tokens-outside-tokenizer-json": _classifier(
        "R08-added-tokens-outside-tokenizer-json", "the <city> eurate"
    ),
    "R09-tokenizer-class-decides-flags": _classifier(
        "R09-tokenizer-class-decides-flags", "The Soup"
    ),
    "R10-truncation-left-in-tokenizer-json": _refused(
        "R10-truncation-left-in-tokenizer-json", "truncation.direction"
    ),
    "R11-pair-with-one-segment": _refused(
        "R11-pair-with-one-segment",
        "--text_pair needs two rows of segment embeddings",
        flags=("--text_pair",),
    ),
    "R12-refusal-sentences": _sentences,
    "R13-cross-encoder-without-text-pair": _cross_encoder("R04-cross-encoder-sigmoid"),
}
