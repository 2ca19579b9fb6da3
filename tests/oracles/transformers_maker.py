"""What writes models of random weights, and what transformers says of texts with them.

Imported by the programs beside it, which run in an environment of their own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer, BertConfig, BertTokenizerFast, PreTrainedModel

LENGTH = 48
_BATCH = 32

Answer = Callable[[Any], torch.Tensor]


class Maker:
    """Makes one model after the other."""

    def __init__(self, output_dir: Path, request: dict[str, Any]) -> None:
        self._output_dir = output_dir
        self.vocabularies: dict[str, str] = request["vocabularies"]
        self.minilm = Path(request["minilm"])
        self.texts: list[str] = request["texts"]
        self.sentences: list[str] = request["sentences"]

    def directory(self, name: str) -> Path:
        return self._output_dir / name

    def vocabulary_size(self, casing: str) -> int:
        """The lines of a vocabulary."""
        return Path(self.vocabularies[casing]).read_text(encoding="utf-8").count("\n")

    def config(self, casing: str, **changes: Any) -> BertConfig:
        """Three layers of width 32."""
        sizes = {
            "vocab_size": self.vocabulary_size(casing),
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 64,
        }
        return BertConfig(**{**sizes, **changes})

    def save(
        self,
        name: str,
        model: PreTrainedModel,
        casing: str,
        tokenizer_class: Callable[..., Any] = BertTokenizerFast,
        length: int = LENGTH,
        noise: float = 0.3,
        **options: Any,
    ) -> None:
        """The model with random weights, and a tokenizer."""
        generator = torch.Generator().manual_seed(len(name))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(noise * torch.randn(parameter.shape, generator=generator))
        if "dtype" in options:
            model.to(options.pop("dtype"))
        model.save_pretrained(self.directory(name), **options)
        tokenizer = tokenizer_class(
            self.vocabularies[casing],
            do_lower_case="uncased" in casing,
            model_max_length=length,
        )
        tokenizer.save_pretrained(self.directory(name))

    def ask(
        self,
        name: str,
        model: PreTrainedModel,
        answer: Answer,
        texts: Sequence[Any],
        length: int = LENGTH,
        of_tokens: bool = False,
    ) -> None:
        """Writes what the model says of texts, or pairs of them, as the directory has it.

        With `of_tokens` these are the answers for all tokens of all texts, one after the other.
        """
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
            if not hasattr(model.config, "type_vocab_size"):
                # The model takes none, whatever the tokenizer gives.
                inputs.pop("token_type_ids", None)
            with torch.no_grad():
                answered = answer(model(**inputs)).numpy()
            answers.append(answered[mask.numpy()] if of_tokens else answered)
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


def probabilities(output: Any) -> torch.Tensor:
    return output.logits.softmax(-1)


def sigmoids(output: Any) -> torch.Tensor:
    return output.logits.sigmoid()


def scores(output: Any) -> torch.Tensor:
    return output.logits[:, 0]
