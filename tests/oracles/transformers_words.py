"""Writes masked language models with transformers, and the words that its pipeline finds in texts.

    python tests/oracles/transformers_words.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own, which has PyTorch and no TensorFlow, and imports nothing of
this project. REQUEST.json names a vocabulary file of each casing and for MPNet, and the texts,
with `[MASK]` for the mask token. OUTPUT_DIR gets a directory for each model, and NAME.json: of each
text the best words and their scores for its first mask, null where the pipeline refuses it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import BertTokenizerFast, FillMaskPipeline
from transformers.pipelines.base import PipelineException

_LENGTH = 48
_TOP_K = 5

_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
_DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "activation": "relu"}

# Of each model: the prefix of its classes, the vocabulary, and its sizes.
_MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("Bert", "uncased", _SIZES),
    "cased": ("Bert", "cased", {**_SIZES, "hidden_act": "relu", "layer_norm_eps": 1e-5}),
    "distilbert": ("DistilBert", "cased", {**_DISTILBERT, "max_position_embeddings": 64}),
    "electra": ("Electra", "uncased", {**_SIZES, "embedding_size": 24, "hidden_act": "relu"}),
    "albert": ("Albert", "uncased", {**_SIZES, "embedding_size": 16}),
    "ernie": ("Ernie", "cased", {**_SIZES, "use_task_id": True}),
    "mpnet": ("MPNet", "mpnet", {**_SIZES, "hidden_act": "relu"}),
}


def write_model(directory: Path, seed: int, name: str, vocabulary: str) -> None:
    prefix, casing, sizes = _MODELS[name]
    rows = len(Path(vocabulary).read_text(encoding="utf-8").split("\n")) - 1
    config = getattr(transformers, f"{prefix}Config")(vocab_size=rows, **sizes)
    model = getattr(transformers, f"{prefix}ForMaskedLM")(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(directory)
    tokenizer_class = transformers.MPNetTokenizer if casing == "mpnet" else BertTokenizerFast
    tokenizer = tokenizer_class(
        vocabulary, do_lower_case=casing != "cased", model_max_length=_LENGTH
    )
    tokenizer.save_pretrained(directory)


def words_of(pipeline: FillMaskPipeline, tokenizer: Any, text: str) -> list[list[Any]] | None:
    try:
        found = pipeline(text, top_k=_TOP_K, tokenizer_kwargs={"truncation": True})
    except PipelineException:
        return None
    # A list for each mask where there are several.
    first = found[0] if isinstance(found[0], list) else found
    pieces = tokenizer.convert_ids_to_tokens([word["token"] for word in first])
    for piece, word in zip(pieces, first, strict=True):
        assert word["token_str"] == piece
    return [[piece, word["score"]] for piece, word in zip(pieces, first, strict=True)]


def main(output_dir: Path, request: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    for seed, (name, (prefix, casing, _)) in enumerate(_MODELS.items()):
        directory = output_dir / name
        write_model(directory, seed, name, request["vocabularies"][casing])
        model = getattr(transformers, f"{prefix}ForMaskedLM").from_pretrained(directory).eval()
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(directory)
        if not hasattr(model.config, "type_vocab_size"):
            # The model takes none, whatever the tokenizer gives.
            tokenizer.model_input_names = ["input_ids", "attention_mask"]
        pipeline = FillMaskPipeline(model=model, tokenizer=tokenizer, device="cpu")
        texts = [text.replace("[MASK]", tokenizer.mask_token) for text in request["texts"]]
        answers = [words_of(pipeline, tokenizer, text) for text in texts]
        (output_dir / f"{name}.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
