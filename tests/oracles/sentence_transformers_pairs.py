"""Writes cross-encoders with sentence-transformers, and what `predict` says of pairs.

    python tests/oracles/sentence_transformers_pairs.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own and imports nothing of this project. REQUEST.json names a
vocabulary file and the pairs. OUTPUT_DIR gets a directory for each model, and NAME.npz with
`scores`, float32 [pairs] or [pairs, outputs].
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

_LENGTH = 48

# Outputs, activation (None for the library's own choice), and whether `predict` makes a softmax.
_MODELS: dict[str, tuple[int, torch.nn.Module | None, bool]] = {
    "default": (1, None, False),
    "sigmoid": (1, torch.nn.Sigmoid(), False),
    "identity": (1, torch.nn.Identity(), False),
    "softmax": (3, None, True),
    "several_sigmoids": (3, torch.nn.Sigmoid(), False),
}


def write_classifier(directory: Path, vocabulary: str, num_outputs: int) -> None:
    lines = Path(vocabulary).read_text(encoding="utf-8").split("\n")
    config = BertConfig(
        vocab_size=len(lines) - 1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=num_outputs,
    )
    model = BertForSequenceClassification(config)
    generator = torch.Generator().manual_seed(num_outputs)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(directory)
    BertTokenizerFast(vocabulary, model_max_length=_LENGTH).save_pretrained(directory)


def main(output_dir: Path, request: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    pairs = [tuple(pair) for pair in request["pairs"]]
    for name, (num_outputs, activation, softmax) in _MODELS.items():
        classifier = output_dir / f"{name}_classifier"
        write_classifier(classifier, request["vocabulary"], num_outputs)
        options = {} if activation is None else {"activation_fn": activation}
        model = CrossEncoder(str(classifier), device="cpu", **options)
        model.save_pretrained(str(output_dir / name))
        loaded = CrossEncoder(str(output_dir / name), device="cpu")
        scores = loaded.predict(pairs, apply_softmax=softmax, show_progress_bar=False)
        np.savez(output_dir / f"{name}.npz", scores=scores)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
