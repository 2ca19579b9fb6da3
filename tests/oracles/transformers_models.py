"""Writes models with transformers and sentence-transformers, and what these say of texts.

    python tests/oracles/transformers_models.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own, which has PyTorch and no TensorFlow, and imports nothing of
this project. REQUEST.json names vocabulary files, by casing, the directory of MiniLM, and the
texts. OUTPUT_DIR gets a directory for each model, and NAME.npz: `ids` of all texts one after the
other, `lengths`, and `answers` [texts, ...].
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    PreTrainedModel,
)

_LENGTH = 48
_BATCH = 32

_Answer = Callable[[Any], torch.Tensor]


class Maker:
    """Makes one model after the other."""

    def __init__(self, output_dir: Path, request: dict[str, Any]) -> None:
        self._output_dir = output_dir
        self._vocabularies: dict[str, str] = request["vocabularies"]
        self.minilm = Path(request["minilm"])
        self.texts: list[str] = request["texts"]
        self.sentences: list[str] = request["sentences"]

    def directory(self, name: str) -> Path:
        return self._output_dir / name

    def config(self, casing: str, **changes: Any) -> BertConfig:
        """Three layers of width 32."""
        lines = Path(self._vocabularies[casing]).read_text(encoding="utf-8").split("\n")
        sizes = {
            "vocab_size": len(lines) - 1,
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 64,
        }
        return BertConfig(**{**sizes, **changes})

    def distilbert(self, casing: str, **sizes: Any) -> DistilBertConfig:
        """A configuration of DistilBERT."""
        rows = self.config(casing).vocab_size
        return DistilBertConfig(vocab_size=rows, max_position_embeddings=64, **sizes)

    def save(self, name: str, model: PreTrainedModel, casing: str, **options: Any) -> None:
        """The model with random weights, and a tokenizer."""
        generator = torch.Generator().manual_seed(len(name))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        if "dtype" in options:
            model.to(options.pop("dtype"))
        model.save_pretrained(self.directory(name), **options)
        tokenizer = BertTokenizerFast(
            self._vocabularies[casing],
            do_lower_case=casing == "uncased",
            model_max_length=_LENGTH,
        )
        tokenizer.save_pretrained(self.directory(name))

    def ask(
        self,
        name: str,
        model: PreTrainedModel,
        answer: _Answer,
        texts: Sequence[Any],
        length: int = _LENGTH,
    ) -> None:
        """Writes what the model says of texts, or pairs of them, as the directory has it."""
        tokenizer = AutoTokenizer.from_pretrained(self.directory(name))
        model = model.eval().float()
        ids, answers = [], []
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            columns = zip(*batch, strict=True) if isinstance(batch[0], tuple) else [batch]
            inputs = tokenizer(
                *map(list, columns),
                truncation=True,
                max_length=length,
                padding=True,
                return_tensors="pt",
            )
            mask = inputs["attention_mask"].bool()
            ids += [row[kept].numpy() for row, kept in zip(inputs["input_ids"], mask, strict=True)]
            if model.config.model_type == "distilbert":
                # It takes none, and its tokenizer gives none.
                inputs.pop("token_type_ids", None)
            with torch.no_grad():
                answers.append(answer(model(**inputs)).numpy())
        self.write(name, ids, np.concatenate(answers))

    def write(self, name: str, ids: Sequence[np.ndarray], answers: np.ndarray) -> None:
        np.savez(
            self._output_dir / f"{name}.npz",
            ids=np.concatenate(ids),
            lengths=[len(row) for row in ids],
            answers=answers,
        )

    def encode(self, name: str, model: SentenceTransformer, texts: Sequence[str]) -> None:
        """Writes what `SentenceTransformer.encode` says."""
        tokenizer = model.tokenizer
        ids = [
            np.array(tokenizer(text, truncation=True, max_length=model.max_seq_length).input_ids)
            for text in texts
        ]
        self.write(name, ids, model.encode(list(texts)))


def _probabilities(output: Any) -> torch.Tensor:
    return output.logits.softmax(-1)


def _sigmoids(output: Any) -> torch.Tensor:
    return output.logits.sigmoid()


def _scores(output: Any) -> torch.Tensor:
    return output.logits[:, 0]


def write_classifiers(maker: Maker) -> None:
    """BertForSequenceClassification in all its forms."""
    labels = {"id2label": {0: "negative", 1: "neutral", 2: "positive"}}
    forms: dict[str, tuple[str, dict[str, Any], _Answer, dict[str, Any]]] = {
        "classifier": ("uncased", labels, _probabilities, {}),
        "cased_gelu_new": ("cased", {**labels, "hidden_act": "gelu_new"}, _probabilities, {}),
        "relu": ("uncased", {"hidden_act": "relu", "layer_norm_eps": 1e-3}, _probabilities, {}),
        "four_types": ("cased", {"type_vocab_size": 4, "num_labels": 5}, _probabilities, {}),
        "sharded": ("uncased", labels, _probabilities, {"max_shard_size": "100KB"}),
        "float16": ("uncased", labels, _probabilities, {"dtype": torch.float16}),
        "bfloat16": ("uncased", labels, _probabilities, {"dtype": torch.bfloat16}),
        "multilabel": (
            "uncased",
            {"num_labels": 4, "problem_type": "multi_label_classification"},
            _sigmoids,
            {},
        ),
        "regression": ("cased", {"num_labels": 1}, _scores, {}),
        "told_regression": (
            "uncased",
            {"num_labels": 1, "problem_type": "regression"},
            _scores,
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
    maker.ask("pair", model, _probabilities, pairs)


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
    vocabulary = Path(maker._vocabularies["uncased"])
    (directory / "vocab.txt").write_bytes(vocabulary.read_bytes())
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"do_lower_case": True, "model_max_length": _LENGTH})
    )
    maker.ask("gamma_beta", model, _probabilities, maker.texts)

    model = BertForSequenceClassification(maker.config("cased", num_labels=2))
    maker.save("pickled", model, "cased")
    (maker.directory("pickled") / "model.safetensors").unlink()
    torch.save(model.state_dict(), maker.directory("pickled") / "pytorch_model.bin")
    maker.ask("pickled", model, _probabilities, maker.texts)


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


def write_distilbert(maker: Maker) -> None:
    """Heads of DistilBERT, in two configurations, and a sentence encoder on it."""
    uncased = {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64}
    cased = {"dim": 48, "n_layers": 2, "n_heads": 6, "hidden_dim": 80, "activation": "relu"}
    forms: dict[str, tuple[str, dict[str, Any], _Answer, dict[str, Any]]] = {
        "distilbert_classifier": ("uncased", {**uncased, "num_labels": 3}, _probabilities, {}),
        "distilbert_sharded": (
            "cased",
            {**cased, "num_labels": 5},
            _probabilities,
            {"max_shard_size": "50KB", "dtype": torch.bfloat16},
        ),
        "distilbert_multilabel": (
            "cased",
            {**cased, "num_labels": 4, "problem_type": "multi_label_classification"},
            _sigmoids,
            {"dtype": torch.float16},
        ),
        "distilbert_regression": ("uncased", {**uncased, "num_labels": 1}, _scores, {}),
    }
    for name, (casing, sizes, answer, options) in forms.items():
        model = DistilBertForSequenceClassification(maker.distilbert(casing, **sizes))
        maker.save(name, model, casing, **options)
        maker.ask(name, model, answer, maker.texts)
    encoder = DistilBertModel(maker.distilbert("uncased", **uncased))
    maker.save("distilbert_encoder", encoder, "uncased")
    maker.ask(
        "distilbert_encoder", encoder, lambda output: output.last_hidden_state[:, 0], maker.texts
    )
    transformer = Transformer(str(maker.directory("distilbert_encoder")))
    sentences = SentenceTransformer(modules=[transformer, Pooling(32, "mean"), Normalize()])
    sentences.save(str(maker.directory("sentence_distilbert")))
    sentences = SentenceTransformer(str(maker.directory("sentence_distilbert")))
    maker.encode("sentence_distilbert", sentences, maker.texts)


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
    maker.ask("minilm_classifier", classifier, _probabilities, maker.sentences, 512)


def main(output_dir: str, request_file: str) -> None:
    maker = Maker(Path(output_dir), json.loads(Path(request_file).read_text(encoding="utf-8")))
    torch.set_num_threads(1)
    write_classifiers(maker)
    write_old_releases(maker)
    write_encoders(maker)
    write_distilbert(maker)
    write_sentence_transformers(maker)
    write_minilm(maker)


if __name__ == "__main__":
    main(*sys.argv[1:])
