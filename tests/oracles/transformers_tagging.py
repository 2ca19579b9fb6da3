"""Writes taggers with transformers, and the entities that its pipeline finds in texts.

    python tests/oracles/transformers_tagging.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own, which has PyTorch and no TensorFlow, and imports nothing of
this project. REQUEST.json names vocabulary files, by casing, the texts, further `long_texts` and
the `stride` of their windows. OUTPUT_DIR gets a directory for each model; NAME.json: strategy ->
the entities of each text, each a list of text, label, score, start and end; NAME-windows.json: the
same of the long texts, for the strategies that windows go with; and NAME.npz: `logits` [tokens,
labels] of all texts' tokens one after the other.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    BertConfig,
    BertForTokenClassification,
    BertTokenizerFast,
    TokenClassificationPipeline,
)
from transformers.pipelines.token_classification import AggregationStrategy

_LENGTH = 48
# So many texts are given to the pipeline as a whole, too.
_CALLED = 10

# Name, casing and labels of each model.
_MODELS = (
    ("prefixes", "uncased", ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]),
    ("cased", "cased", ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]),
    ("plain", "uncased", ["NOUN", "VERB", "O", "ADJ"]),
    ("insides", "cased", ["I-ORG", "O", "I-MISC", "B-MISC"]),
    ("hyphens", "uncased", ["O", "B-work-of-art", "I-work-of-art", "E-PER", "S-PER", "X-O"]),
)


def write_model(
    directory: Path, seed: int, labels: list[str], vocabulary: str, lower: bool
) -> None:
    lines = Path(vocabulary).read_text(encoding="utf-8").split("\n")
    config = BertConfig(
        vocab_size=len(lines) - 1,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    model = BertForTokenClassification(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(directory)
    tokenizer = BertTokenizerFast(vocabulary, do_lower_case=lower, model_max_length=_LENGTH)
    tokenizer.save_pretrained(directory)


def entities_of(found: list[dict[str, Any]], text: str) -> list[list[Any]]:
    """The text of an entity is its place in the text: the pipeline's `word` is joined pieces."""
    return [
        [
            text[entity["start"] : entity["end"]],
            entity.get("entity", entity.get("entity_group")),
            float(entity["score"]),
            int(entity["start"]),
            int(entity["end"]),
        ]
        for entity in found
    ]


def entities_of_windows(
    pipeline: TokenClassificationPipeline, texts: list[str], stride: int
) -> dict[str, list[Any]]:
    """Of each text by each strategy, read in windows that share `stride` tokens."""
    answers: dict[str, list[Any]] = {}
    windows = {"return_overflowing_tokens": True, "padding": True, "stride": stride}
    for number, text in enumerate(texts):
        chunks = [
            pipeline.forward(inputs)
            for inputs in pipeline.preprocess(
                text, is_split_into_words=False, tokenizer_params=dict(windows)
            )
        ]
        for strategy in AggregationStrategy:
            if strategy == AggregationStrategy.NONE:
                continue
            found = pipeline.postprocess(chunks, aggregation_strategy=strategy)
            if number < _CALLED:
                assert found == pipeline(text, aggregation_strategy=strategy, stride=stride)
            answers.setdefault(strategy.value, []).append(entities_of(found, text))
    return answers


def main(output_dir: Path, request: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    texts: list[str] = request["texts"]
    for seed, (name, casing, labels) in enumerate(_MODELS):
        directory = output_dir / name
        write_model(directory, seed, labels, request["vocabularies"][casing], casing == "uncased")
        model = BertForTokenClassification.from_pretrained(directory).eval()
        tokenizer = BertTokenizerFast.from_pretrained(directory)
        pipeline = TokenClassificationPipeline(model=model, tokenizer=tokenizer, device="cpu")
        answers: dict[AggregationStrategy, list[Any]] = {
            strategy: [] for strategy in AggregationStrategy
        }
        logits = []
        for number, text in enumerate(texts):
            # The three steps of the pipeline, of which only the last asks for the strategy.
            chunks = [
                pipeline.forward(inputs)
                for inputs in pipeline.preprocess(text, is_split_into_words=False)
            ]
            logits.append(chunks[0]["logits"][0].numpy())
            for strategy, found in answers.items():
                entities = pipeline.postprocess(chunks, aggregation_strategy=strategy)
                if number < _CALLED:
                    assert entities == pipeline(text, aggregation_strategy=strategy)
                found.append(entities_of(entities, text))
        by_name = {strategy.value: found for strategy, found in answers.items()}
        (output_dir / f"{name}.json").write_text(json.dumps(by_name))
        of_windows = entities_of_windows(pipeline, request["long_texts"], request["stride"])
        (output_dir / f"{name}-windows.json").write_text(json.dumps(of_windows))
        np.savez(output_dir / f"{name}.npz", logits=np.concatenate(logits))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
