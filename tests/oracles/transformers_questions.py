"""Writes models that answer questions with transformers, and the answers that its pipeline gives.

    python tests/oracles/transformers_questions.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own, which has PyTorch and a transformers of version 4, the last one
with that pipeline, and imports nothing of this project. REQUEST.json names vocabulary files, by
casing, the pairs of question and context, and the cases: a name and the pipeline's parameters for
each. OUTPUT_DIR gets a directory for each model, NAME.json: case -> the answers of each pair, each
a list of text, score, start and end; and NAME.npz: `logits` [tokens, 2] of all windows' tokens one
after the other.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
    DistilBertTokenizerFast,
    QuestionAnsweringPipeline,
)

# So many pairs are given to the pipeline as a whole, too.
_CALLED = 5

# Name, casing and length of each model.
_MODELS = (("short", "uncased", 128), ("long", "uncased", 512), ("cased", "cased", 128))


def write_model(directory: Path, seed: int, vocabulary: str, lower: bool, length: int) -> None:
    """The second is a DistilBERT."""
    lines = Path(vocabulary).read_text(encoding="utf-8").split("\n")
    tokenizer: Any
    model: Any
    if seed == 1:
        model = DistilBertForQuestionAnswering(
            DistilBertConfig(
                vocab_size=len(lines) - 1, dim=32, n_layers=2, n_heads=4, hidden_dim=64
            )
        )
        tokenizer = DistilBertTokenizerFast
    else:
        model = BertForQuestionAnswering(
            BertConfig(
                vocab_size=len(lines) - 1,
                hidden_size=32,
                num_hidden_layers=3,
                num_attention_heads=4,
                intermediate_size=64,
            )
        )
        tokenizer = BertTokenizerFast
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(directory)
    tokenizer(vocabulary, do_lower_case=lower, model_max_length=length).save_pretrained(directory)


def listed(found: Any) -> list[list[Any]]:
    """One answer comes alone."""
    answers = found if isinstance(found, list) else [found]
    return [
        [answer["answer"], float(answer["score"]), int(answer["start"]), int(answer["end"])]
        for answer in answers
    ]


def main(output_dir: Path, request: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    for seed, (name, casing, length) in enumerate(_MODELS):
        directory = output_dir / name
        write_model(directory, seed, request["vocabularies"][casing], casing == "uncased", length)
        if seed == 1:
            model = DistilBertForQuestionAnswering.from_pretrained(directory).eval()
            tokenizer = DistilBertTokenizerFast.from_pretrained(directory)
        else:
            model = BertForQuestionAnswering.from_pretrained(directory).eval()
            tokenizer = BertTokenizerFast.from_pretrained(directory)
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
