"""Directories as transformers reads them, over the product of the settings that occur in files.

A directory is drawn from a seed; every setting is in it or not, in each of the files that may
hold it, so that files also contradict each other, as those of real models do.
"""

import json
import random
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

from tests.programs.huggingface_directories.sentence_files import write_sentence_files

_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LETTERS = tuple("abcdefghijklmnopqrstuvwxyzABCDE0123456789.,!?-_<>#[]éÉ漢字")
_WORDS = ("good", "bad", "soup", "Soup", "the", "The", "very", "berlin", "Berlin", "cafe", "café")
PIECES = (*_SPECIALS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS[:41]), *_WORDS)

# Words of the texts below, so that it is seen whether they are one token.
_ADDED = ("<city>", "<City>", "eurate", "Soup du jour", "[NEW]", "été")

TEXTS = (
    "",
    "the good soup was very bad, Berlin!",
    "The Soup EU berlin [SEP] café CAFÉ É é",
    "visit <city> or <City>, eurate! Eurate 漢字 soup漢",
    "a Soup du jour [NEW] [new] [MASK] [mask] été ÉTÉ soup\u200bdu jour x<city>y",
    "good bad " * 40,
)

_CLASSES = (
    None,
    "BertTokenizer",
    "BertTokenizerFast",
    "DistilBertTokenizer",
    "DistilBertTokenizerFast",
    "ElectraTokenizer",
    "ElectraTokenizerFast",
    "PreTrainedTokenizerFast",
    "TokenizersBackend",
    "ConvBertTokenizer",
    "MobileBertTokenizer",
    "BertJapaneseTokenizer",
    "XLMRobertaTokenizer",
)
_HIDDEN, _INNER, _LAYERS, _POSITIONS = 8, 16, 2, 64
_DTYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


class Drawn:
    """One directory, from a seed."""

    def __init__(self, seed: int) -> None:
        """Draws all settings."""
        self._random = random.Random(seed)
        self._num_labels = self._random.choice((1, 2, 3))
        self._has_tokenizer_json = self._chance(0.6)
        self._has_vocabulary = not self._has_tokenizer_json or self._chance(0.6)

    def write(self, directory: Path) -> None:
        """Writes config.json, model.safetensors and the files of the tokenizer.

        Three directories in ten are those of sentence-transformers, with its files as well.
        """
        directory.mkdir(parents=True)
        config, tokenizer_config = self._config(), self._tokenizer_config()
        if self._random.random() < 0.3:
            write_sentence_files(directory, config, self._random)
        name = self._random.choice(_CLASSES)
        if name is not None:
            target = config if self._chance(0.3) else tokenizer_config
            target["tokenizer_class"] = name
        files: dict[str, Any] = {"config.json": config}
        if self._has_tokenizer_json:
            files["tokenizer.json"] = self._tokenizer_json()
        self._add_tokens(files, tokenizer_config)
        if tokenizer_config or self._chance(0.5):
            files["tokenizer_config.json"] = tokenizer_config
        for file, content in files.items():
            (directory / file).write_text(json.dumps(content, ensure_ascii=False))
        if self._has_vocabulary:
            (directory / "vocab.txt").write_text("".join(f"{piece}\n" for piece in PIECES))
        dtype = self._random.choice(tuple(_DTYPES))
        tensors = {name: value.astype(_DTYPES[dtype]) for name, value in self._tensors().items()}
        save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _some(self, name: str, *values: Any) -> dict[str, Any]:
        """One of the values, or nothing at all, which is as likely as one value."""
        index = self._random.randrange(len(values) + 1)
        return {} if index == len(values) else {name: values[index]}

    def _config(self) -> dict[str, Any]:
        names = {index: f"name {index}" for index in range(self._num_labels)}
        labels: dict[str, Any] = self._random.choice(
            (
                {},
                {"id2label": {str(index): name for index, name in names.items()}},
                {"id2label": {str(index): name for index, name in reversed(names.items())}},
                {"num_labels": self._num_labels},
                {"label2id": {name: index for index, name in names.items()}},
            )
        )
        if self._num_labels != 2 and "id2label" not in labels:
            # Without names the library makes a head of two classes.
            labels = {"id2label": {str(index): name for index, name in names.items()}}
        kinds = ("regression",) if self._num_labels == 1 else ("single_label", "multi_label")
        problem = (kind if kind == "regression" else f"{kind}_classification" for kind in kinds)
        return {
            "architectures": ["BertForSequenceClassification"],
            "model_type": "bert",
            "vocab_size": len(PIECES) + len(_ADDED),
            "hidden_size": _HIDDEN,
            "num_hidden_layers": _LAYERS,
            "num_attention_heads": 2,
            "intermediate_size": _INNER,
            "max_position_embeddings": _POSITIONS,
            **labels,
            **self._some("problem_type", *problem),
            **self._some("transformers_version", "4.57.0", "5.2.0"),
        }

    def _tokenizer_config(self) -> dict[str, Any]:
        return {
            **self._some("do_lower_case", True, False),
            **self._some("strip_accents", True, False, None),
            **self._some("tokenize_chinese_chars", True, False),
            **self._some("model_max_length", 16, 60, 64, 512, int(1e30)),
            **(self._some("truncation_side", "right", "left") if self._chance(0.1) else {}),
        }

    def _tokenizer_json(self) -> dict[str, Any]:
        pick = self._random.choice
        cls_id, sep_id = PIECES.index("[CLS]"), PIECES.index("[SEP]")
        cls, sep = ({"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]"))
        text_a, text_b = ({"Sequence": {"id": x, "type_id": i}} for i, x in enumerate("AB"))
        truncation = None
        if self._chance(0.3):
            side = "Left" if self._chance(0.1) else "Right"
            truncation = {
                "direction": side,
                "max_length": pick((8, 32)),
                "strategy": "LongestFirst",
                "stride": 0,
            }
        return {
            "version": "1.0",
            "truncation": truncation,
            "padding": None,
            "added_tokens": [
                {"id": PIECES.index(name), "content": name, **_flags(), "special": True}
                for name in _SPECIALS
            ],
            "normalizer": {
                "type": "BertNormalizer",
                "clean_text": self._chance(0.8),
                "handle_chinese_chars": self._chance(0.7),
                "strip_accents": pick((None, None, True, False)),
                "lowercase": self._chance(0.5),
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [cls, text_a, sep],
                "pair": [cls, text_a, sep, text_b, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
                "special_tokens": {
                    "[CLS]": {"id": "[CLS]", "ids": [cls_id], "tokens": ["[CLS]"]},
                    "[SEP]": {"id": "[SEP]", "ids": [sep_id], "tokens": ["[SEP]"]},
                },
            },
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": pick((100, 100, 12)),
                "vocab": {piece: index for index, piece in enumerate(PIECES)},
            },
        }

    def _add_tokens(self, files: dict[str, Any], tokenizer_config: dict[str, Any]) -> None:
        """Names tokens after the vocabulary in some of the four files that may hold them."""
        if self._chance(0.4):
            return
        count = self._random.randrange(1, len(_ADDED) + 1)
        added = [
            {"id": len(PIECES) + index, "content": content, **self._drawn_flags()}
            for index, content in enumerate(_ADDED[:count])
        ]
        if self._has_tokenizer_json and self._chance(0.6):
            files["tokenizer.json"]["added_tokens"] += added
        if self._chance(0.5):
            specials = [
                {"id": PIECES.index(name), "content": name, **_flags(), "special": True}
                for name in _SPECIALS
            ]
            tokenizer_config["added_tokens_decoder"] = {
                str(token["id"]): {key: token[key] for key in token if key != "id"}
                for token in (*(specials if self._chance(0.8) else ()), *added)
            }
        if self._chance(0.4):
            files["added_tokens.json"] = {token["content"]: token["id"] for token in added}
        if self._chance(0.4):
            where = files.setdefault("special_tokens_map.json", {})
            where = where if self._chance(0.5) else tokenizer_config
            name = self._random.choice(("additional_special_tokens", "extra_special_tokens"))
            where[name] = [token["content"] for token in added[: self._random.randrange(1, 3)]]

    def _drawn_flags(self) -> dict[str, bool]:
        flags = {name: self._chance(0.2) for name in ("single_word", "lstrip", "rstrip")}
        return {**flags, "normalized": self._chance(0.5), "special": self._chance(0.5)}

    def _tensors(self) -> dict[str, np.ndarray]:
        generator = np.random.default_rng(self._random.randrange(1 << 30))
        table = "bert.embeddings"
        shapes: dict[str, tuple[int, ...]] = {
            f"{table}.word_embeddings.weight": (len(PIECES) + len(_ADDED), _HIDDEN),
            f"{table}.position_embeddings.weight": (_POSITIONS, _HIDDEN),
            f"{table}.token_type_embeddings.weight": (2, _HIDDEN),
        }
        dense = {"bert.pooler.dense": (_HIDDEN, _HIDDEN), "classifier": (self._num_labels, _HIDDEN)}
        norms = [f"{table}.LayerNorm"]
        for index in range(_LAYERS):
            layer = f"bert.encoder.layer.{index}"
            for part in ("self.query", "self.key", "self.value", "output.dense"):
                dense[f"{layer}.attention.{part}"] = (_HIDDEN, _HIDDEN)
            dense[f"{layer}.intermediate.dense"] = (_INNER, _HIDDEN)
            dense[f"{layer}.output.dense"] = (_HIDDEN, _INNER)
            norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        for name, shape in dense.items():
            shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
        for name in norms:
            shapes |= {f"{name}.weight": (_HIDDEN,), f"{name}.bias": (_HIDDEN,)}
        return {
            name: generator.normal(scale=0.4, size=shape) + ("LayerNorm.weight" in name)
            for name, shape in shapes.items()
        }


def _flags() -> dict[str, bool]:
    return dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
