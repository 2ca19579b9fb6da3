"""Writes models of sentence-transformers with modules of all kinds, and what `encode` gives.

    python tests/oracles/sentence_transformers_modules.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own and imports nothing of this project. REQUEST.json names a
vocabulary file and the texts. OUTPUT_DIR gets a directory for each model, and NAME.npz with
`embeddings`, float32 [texts, D].
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel, BertTokenizerFast

_WIDTH = 32


def write_encoder(directory: Path, vocabulary: str) -> None:
    lines = Path(vocabulary).read_text(encoding="utf-8").split("\n")
    config = BertConfig(
        vocab_size=len(lines) - 1,
        hidden_size=_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    model = BertModel(config)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(directory)
    BertTokenizerFast(vocabulary, model_max_length=48).save_pretrained(directory)


def heads() -> dict[str, list[Any]]:
    """The modules behind the transformer."""
    torch.manual_seed(5)
    modes = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
    single = {mode: [Pooling(_WIDTH, pooling_mode=mode)] for mode in modes}
    several = Pooling(_WIDTH, pooling_mode=("mean", "cls", "weightedmean"))
    dense = Dense(_WIDTH, 24)
    more = Dense(24, 10, bias=False, activation_function=torch.nn.GELU())
    relu = Dense(3 * _WIDTH, 20, activation_function=torch.nn.ReLU())
    identity = Dense(_WIDTH, 40, activation_function=torch.nn.Identity())
    return {
        **single,
        "several": [several, Normalize()],
        "dense": [Pooling(_WIDTH), dense, more, Normalize()],
        "wide": [Pooling(_WIDTH, pooling_mode=("mean", "cls", "max")), relu],
        "identity": [Pooling(_WIDTH), identity],
        "prompt": [Pooling(_WIDTH), Normalize()],
    }


def main(output_dir: Path, request: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    encoder = output_dir / "encoder"
    write_encoder(encoder, request["vocabulary"])
    for name, modules in heads().items():
        prompts = {}
        if name == "prompt":
            prompts = {"prompts": {"query": "find: "}, "default_prompt_name": "query"}
        model = SentenceTransformer(
            modules=[Transformer(str(encoder)), *modules], device="cpu", **prompts
        )
        model.save(str(output_dir / name))
        loaded = SentenceTransformer(str(output_dir / name), device="cpu")
        np.savez(output_dir / f"{name}.npz", embeddings=loaded.encode(request["texts"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
