"""Writes models with transformers and sentence-transformers, and what these say of texts.

    python -m tests.oracles.transformers_models OUTPUT_DIR REQUEST.json

Runs in an environment of its own, which has PyTorch and no TensorFlow, and imports nothing of
the packages that are tested. REQUEST.json names vocabulary files, by casing, the directory of
MiniLM, and the texts. OUTPUT_DIR gets a directory for each model, and NAME.npz: `ids` of all texts
one after the other, `lengths`, and `answers` [texts, ...].
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import (
    AutoTokenizer,
    BertForSequenceClassification,
    BertModel,
)

from tests.oracles.transformers_maker import (
    LENGTH,
    Answer,
    Maker,
    probabilities,
    scores,
    sigmoids,
)


def write_classifiers(maker: Maker) -> None:
    """BertForSequenceClassification in all its forms."""
    labels = {"id2label": {0: "negative", 1: "neutral", 2: "positive"}}
    forms: dict[str, tuple[str, dict[str, Any], Answer, dict[str, Any]]] = {
        "classifier": ("uncased", labels, probabilities, {}),
        "cased_gelu_new": ("cased", {**labels, "hidden_act": "gelu_new"}, probabilities, {}),
        "relu": ("uncased", {"hidden_act": "relu", "layer_norm_eps": 1e-3}, probabilities, {}),
        "four_types": ("cased", {"type_vocab_size": 4, "num_labels": 5}, probabilities, {}),
        "sharded": ("uncased", labels, probabilities, {"max_shard_size": "100KB"}),
        "float16": ("uncased", labels, probabilities, {"dtype": torch.float16}),
        "bfloat16": ("uncased", labels, probabilities, {"dtype": torch.bfloat16}),
        "multilabel": (
            "uncased",
            {"num_labels": 4, "problem_type": "multi_label_classification"},
            sigmoids,
            {},
        ),
        "regression": ("cased", {"num_labels": 1}, scores, {}),
        "told_regression": (
            "uncased",
            {"num_labels": 1, "problem_type": "regression"},
            scores,
            {},
        ),
    }
    for name, (casing, changes, answer, options) in forms.items():
        model = BertForSequenceClassification(maker.config(casing, **changes))
        maker.save(name, model, casing, **options)
        maker.ask(name, model, answer, maker.texts)
    # Two texts.
    model = BertForSequenceClassification(maker.config("uncased", **labels))
    maker.save("pair", model, "uncased")
    pairs = [*zip(maker.texts, [*maker.texts[1:], maker.texts[0]], strict=True)]
    maker.ask("pair", model, probabilities, pairs)


def write_old_releases(maker: Maker) -> None:
    """What releases of other years wrote: gamma and beta, vocab.txt alone, PyTorch's pickle."""
    model = BertForSequenceClassification(maker.config("uncased", num_labels=2))
    maker.save("gamma_beta", model, "uncased")
    directory = maker.directory("gamma_beta")
    tensors = load_file(directory / "model.safetensors")
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in tensors.items()
    }
    assert renamed.keys() != tensors.keys()
    renamed["bert.embeddings.position_ids"] = torch.arange(64)[None]
    save_file(renamed, directory / "model.safetensors")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (directory / file).unlink()
    vocabulary = Path(maker.vocabularies["uncased"])
    (directory / "vocab.txt").write_bytes(vocabulary.read_bytes())
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"do_lower_case": True, "model_max_length": LENGTH})
    )
    maker.ask("gamma_beta", model, probabilities, maker.texts)

    model = BertForSequenceClassification(maker.config("cased", num_labels=2))
    maker.save("pickled", model, "cased")
    (maker.directory("pickled") / "model.safetensors").unlink()
    torch.save(model.state_dict(), maker.directory("pickled") / "pytorch_model.bin")
    maker.ask("pickled", model, probabilities, maker.texts)


def write_encoders(maker: Maker) -> None:
    """BertModel with its pooler and without."""
    model = BertModel(maker.config("uncased"))
    maker.save("encoder", model, "uncased")
    maker.ask("encoder", model, lambda output: output.pooler_output, maker.texts)
    model = BertModel(maker.config("cased"), add_pooling_layer=False)
    maker.save("encoder_without_pooler", model, "cased")
    maker.ask(
        "encoder_without_pooler", model, lambda output: output.last_hidden_state[:, 0], maker.texts
    )


def write_sentence_transformers(maker: Maker) -> None:
    """Every pooling that can be exported, with Normalize and without."""
    for mode in ("mean", "cls", "max"):
        for parts in ((), (Normalize(),)):
            name = f"sentence_{mode}" + ("_normalized" if parts else "")
            bert = f"bert_of_{name}"
            maker.save(bert, BertModel(maker.config("uncased")), "uncased")
            transformer = Transformer(str(maker.directory(bert)))
            model = SentenceTransformer(modules=[transformer, Pooling(32, mode), *parts])
            model.save(str(maker.directory(name)))
            model = SentenceTransformer(str(maker.directory(name)))
            maker.encode(name, model, maker.texts)


def write_minilm(maker: Maker) -> None:
    """A real BERT: as it is, and with a random classifier on it."""
    (maker.directory("minilm")).symlink_to(maker.minilm)
    model = SentenceTransformer(str(maker.minilm))
    maker.encode("minilm", model, maker.sentences)
    torch.manual_seed(0)
    classifier = BertForSequenceClassification.from_pretrained(maker.minilm, num_labels=3)
    with torch.no_grad():
        classifier.classifier.weight.mul_(20)
    directory = maker.directory("minilm_classifier")
    classifier.save_pretrained(directory)
    AutoTokenizer.from_pretrained(maker.minilm).save_pretrained(directory)
    maker.ask("minilm_classifier", classifier, probabilities, maker.sentences, 512)


def main(output_dir: str, request_file: str) -> None:
    maker = Maker(Path(output_dir), json.loads(Path(request_file).read_text(encoding="utf-8")))
    torch.set_num_threads(1)
    write_classifiers(maker)
    write_old_releases(maker)
    write_encoders(maker)
    write_sentence_transformers(maker)
    write_minilm(maker)


if __name__ == "__main__":
    main(*sys.argv[1:])
