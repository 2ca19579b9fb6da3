"""Writes BERT's relatives with transformers, and what it says of texts with them.

    python -m tests.oracles.transformers_relatives OUTPUT_DIR REQUEST.json

As transformers_models.py. Each family has two configurations, and its heads are spread over them
and over ways of saving.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertTokenizerFast, MPNetTokenizer

from tests.oracles.transformers_maker import LENGTH, Answer, Maker, probabilities, scores, sigmoids

_MULTILABEL = {"num_labels": 4, "problem_type": "multi_label_classification"}


class Family(NamedTuple):
    """What transformers calls its parts, and two configurations."""

    prefix: str
    """of its classes"""

    large: dict[str, Any]
    """of width 32"""

    small: dict[str, Any]
    pooled: Answer
    """what the encoder is asked for"""

    tokenizer: Callable[..., Any] = BertTokenizerFast
    vocabularies: tuple[str, str] = ("uncased", "cased")
    length: int = LENGTH
    """at which texts are truncated"""

    def make(self, end: str, **config: Any) -> Any:
        """A model of one class, such as that with the end "Model"."""
        cls = getattr(transformers, f"{self.prefix}{end}")
        return cls(getattr(transformers, f"{self.prefix}Config")(**config))


def _first(output: Any) -> torch.Tensor:
    return output.last_hidden_state[:, 0]


def _pooler(output: Any) -> torch.Tensor:
    return output.pooler_output


_LARGE = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
_SMALL = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "intermediate_size": 80,
    "hidden_act": "relu",
}
FAMILIES = {
    "distilbert": Family(
        "DistilBert",
        {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64},
        {"dim": 48, "n_layers": 2, "n_heads": 6, "hidden_dim": 80, "activation": "relu"},
        _first,
    ),
    "electra": Family(
        "Electra", {**_LARGE, "embedding_size": 24}, {**_SMALL, "embedding_size": 48}, _first
    ),
    "ernie": Family(
        "Ernie", {**_LARGE, "use_task_id": True}, {**_SMALL, "type_vocab_size": 4}, _pooler
    ),
    "albert": Family(
        "Albert",
        {**_LARGE, "embedding_size": 16},
        {**_SMALL, "embedding_size": 48, "hidden_act": "gelu"},
        _pooler,
    ),
    # So long that every distance is met.
    "mpnet": Family(
        "MPNet",
        _LARGE,
        _SMALL,
        _pooler,
        MPNetTokenizer,
        ("mpnet_uncased", "mpnet_cased"),
        length=200,
    ),
}


def write_family(maker: Maker, name: str, family: Family) -> None:
    """All heads of a family, and a sentence encoder on it."""
    of_class = "ForSequenceClassification"
    forms: dict[str, tuple[bool, str, dict[str, Any], Answer, dict[str, Any]]] = {
        "classifier": (True, of_class, {"num_labels": 3}, probabilities, {}),
        "sharded": (
            False,
            of_class,
            {"num_labels": 5},
            probabilities,
            {"max_shard_size": "50KB", "dtype": torch.bfloat16},
        ),
        "multilabel": (False, of_class, _MULTILABEL, sigmoids, {"dtype": torch.float16}),
        "regression": (True, of_class, {"num_labels": 1}, scores, {}),
        "encoder": (True, "Model", {}, family.pooled, {}),
        "small_encoder": (False, "Model", {}, family.pooled, {}),
        "tagger": (True, "ForTokenClassification", {"num_labels": 5}, probabilities, {}),
        "small_tagger": (False, "ForTokenClassification", {"num_labels": 3}, probabilities, {}),
        # Its output layer is the table of word embeddings.
        "tied": (True, "ForMaskedLM", {}, probabilities, {}),
        "choices": (True, "ForMultipleChoice", {}, probabilities, {}),
        "pair": (True, of_class, {"num_labels": 3}, probabilities, {}),
    }
    pairs = [*zip(maker.texts, [*maker.texts[1:], maker.texts[0]], strict=True)]
    for form, (is_large, end, changes, answer, options) in forms.items():
        casing = family.vocabularies[0 if is_large else 1]
        sizes = family.large if is_large else family.small
        rows = maker.vocabulary_size(casing)
        positions = {"vocab_size": rows, "max_position_embeddings": family.length + 16}
        model = family.make(end, **sizes, **positions, **changes)
        options |= {"tokenizer_class": family.tokenizer, "length": family.length}
        # With more, PyTorch's own float32 answers differ by 1e-5 from its float64 ones.
        maker.save(f"{name}_{form}", model, casing, noise=0.2, **options)
        if form == "tied":
            # The encoder of a language model, for its vectors.
            base = getattr(transformers, f"{family.prefix}Model")
            encoder = base.from_pretrained(maker.directory(f"{name}_{form}"))
            maker.ask(f"{name}_{form}", encoder, _first, maker.texts, family.length)
        elif form != "choices":
            texts = pairs if form == "pair" else maker.texts
            of_tokens = end == "ForTokenClassification"
            maker.ask(f"{name}_{form}", model, answer, texts, family.length, of_tokens)
    transformer = Transformer(str(maker.directory(f"{name}_encoder")))
    sentences = SentenceTransformer(modules=[transformer, Pooling(32, "mean"), Normalize()])
    sentences.save(str(maker.directory(f"{name}_sentence")))
    sentences = SentenceTransformer(str(maker.directory(f"{name}_sentence")))
    maker.encode(f"{name}_sentence", sentences, maker.texts)


def main(output_dir: str, request_file: str) -> None:
    maker = Maker(Path(output_dir), json.loads(Path(request_file).read_text(encoding="utf-8")))
    torch.set_num_threads(1)
    for name, family in FAMILIES.items():
        write_family(maker, name, family)


if __name__ == "__main__":
    main(*sys.argv[1:])
