"""Writes models that answer questions with transformers, and the answers that its pipeline gives.

    python tests/oracles/transformers_questions.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own, which has PyTorch and a transformers of version 4, the last one
with that pipeline, and imports nothing of this project. REQUEST.json names a vocabulary file of
each casing and for MPNet, the pairs of question and context, and the cases: a name and the
pipeline's parameters for each. OUTPUT_DIR gets a directory for each model, NAME.json: case -> the
answers of each pair, each a list of text, score, start and end; and NAME.npz: `logits` [tokens, 2]
of all windows' tokens one after the other.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
    DistilBertTokenizerFast,
    MPNetConfig,
    MPNetForQuestionAnswering,
    MPNetTokenizerFast,
    QuestionAnsweringPipeline,
)

# So many pairs are given to the pipeline as a whole, too.
_CALLED = 5

_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}


class Family(NamedTuple):
    """What transformers calls its parts, and a configuration."""

    model: Any
    tokenizer: Any
    config: Any
    sizes: Mapping[str, int]


_BERT = Family(BertForQuestionAnswering, BertTokenizerFast, BertConfig, _SIZES)
_DISTILBERT = Family(
    DistilBertForQuestionAnswering,
    DistilBertTokenizerFast,
    DistilBertConfig,
    {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
)
_MPNET = Family(MPNetForQuestionAnswering, MPNetTokenizerFast, MPNetConfig, _SIZES)

# Name, family, vocabulary and length of each model.
_MODELS = (
    ("short", _BERT, "uncased", 128),
    ("long", _DISTILBERT, "uncased", 512),
    ("cased", _BERT, "cased", 128),
    ("two_separators", _MPNET, "mpnet", 128),
)


def write_model(
    directory: Path, seed: int, family: Family, vocabulary: str, lower: bool, length: int
) -> None:
    lines = Path(vocabulary).read_text(encoding="utf-8").split("\n")
    model = family.model(family.config(vocab_size=len(lines) - 1, **family.sizes))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(directory)
    tokenizer = family.tokenizer(vocabulary, do_lower_case=lower, model_max_length=length)
    tokenizer.save_pretrained(directory)


def listed(found: Any) -> list[list[Any]]:
    """One answer comes alone."""
    answers = found if isinstance(found, list) else [found]
    return [
        [answer["answer"], float(answer["score"]), int(answer["start"]), int(answer["end"])]
        for answer in answers
    ]


def main(output_dir: Path, request: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    for seed, (name, family, casing, length) in enumerate(_MODELS):
        directory = output_dir / name
        vocabulary = request["vocabularies"][casing]
        write_model(directory, seed, family, vocabulary, casing != "cased", length)
        model = family.model.from_pretrained(directory).eval()
        tokenizer = family.tokenizer.from_pretrained(directory)
        pipeline = QuestionAnsweringPipeline(model=model, tokenizer=tokenizer, device="cpu")
        answers: dict[str, list[Any]] = {case: [] for case in request["cases"]}
        logits = []
        for number, (question, context) in enumerate(request["pairs"]):
            # The three steps of the pipeline, of which only the last asks for the case.
            windows = [
                pipeline.forward(inputs)
                for inputs in pipeline.preprocess({"question": question, "context": context})
            ]
            for window in windows:
                logits.append(torch.stack([window["start"][0], window["end"][0]], 1).numpy())
            for case, parameters in request["cases"].items():
                found = pipeline.postprocess(windows, **parameters)
                if number < _CALLED:
                    again = pipeline(question=question, context=context, **parameters)
                    assert listed(found) == listed(again)
                answers[case].append(listed(found))
        (output_dir / f"{name}.json").write_text(json.dumps(answers))
        np.savez(output_dir / f"{name}.npz", logits=np.concatenate(logits))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
