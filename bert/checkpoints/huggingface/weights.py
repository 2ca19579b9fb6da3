"""The tensors of a model of transformers as google-research/bert's variables."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bert.checkpoints.huggingface.architecture import Architecture
from bert.checkpoints.tensors.stored_tensor import StoredTensor
from bert.errors import UserError
from bert.variables import (
    EMBEDDINGS,
    MASKED_WORDS_BIAS,
    MASKED_WORDS_OUTPUT,
    OUTPUT_BIAS,
    OUTPUT_WEIGHTS,
    POOLER,
)

# Numbers that are the same in every model, which older releases saved as well.
_CONSTANTS = ("embeddings.position_ids", "embeddings.token_type_ids")

# The last part of a name: google-research's here, PyTorch's there; releases before 2020 called
# the parameters of layer norms gamma and beta. That of a table is part of the module's name here.
_PARAMETERS = {
    "kernel": ("weight",),
    "bias": ("bias",),
    "gamma": ("weight", "gamma"),
    "beta": ("bias", "beta"),
    # Of the words of a masked language model, whose last dense layer may be called decoder.
    "output_weights": ("weight", "decoder.weight"),
    "output_bias": ("bias", "decoder.bias"),
}
_OF_TABLE = ("weight",)
_OF_CLASSIFIER = {OUTPUT_WEIGHTS: "weight", OUTPUT_BIAS: "bias"}

# The last dense layer of models that answer questions, in every family.
_OF_SPANS = "qa_outputs"

# What wrappers put before every name: torch.nn.DataParallel, torch.compile, Lightning's modules.
_WRAPPERS = ("module.", "_orig_mod.", "model.")

_LAYER_NUMBER = re.compile(r"(?<=layer_)\d+")


class HuggingFaceWeights:
    """The tensors of one model, by the names that google-research/bert has for them."""

    def __init__(
        self, file: Path, tensors: Mapping[str, StoredTensor], architecture: Architecture
    ) -> None:
        """Takes the tensors that `file`, or the files that it is an index of, holds."""
        self.file = file
        self._tensors = _unwrapped(tensors)
        self._architecture = architecture
        prefix = architecture.prefix
        has_prefix = any(name.startswith(prefix) for name in self._tensors)
        self._prefix = prefix if has_prefix else ""

    @property
    def has_pooler(self) -> bool:
        """Whether the model has a pooler, its encoder's or its head's."""
        return self.name(f"{POOLER}/kernel") in self._tensors

    @property
    def encoder_has_pooler(self) -> bool:
        """Whether the encoder has a pooler of its own."""
        module = self._architecture.encoder.get(POOLER)
        return module is not None and f"{self._prefix}{module}.weight" in self._tensors

    @property
    def finds_spans(self) -> bool:
        """Whether the head is one that answers questions."""
        return f"{_OF_SPANS}.weight" in self._tensors

    @property
    def tells_words(self) -> bool:
        """Whether it has the head of a masked language model."""
        return self.name(MASKED_WORDS_BIAS) in self._tensors

    @property
    def word_embedding_rows(self) -> int | None:
        """How many ids have a vector, None where there is no such table."""
        shape = self.shape(self.name(f"{EMBEDDINGS}/word_embeddings"))
        return shape[0] if shape else None

    def name(self, variable: str) -> str:
        """What this model calls a variable of google-research/bert."""
        names = self._names(variable)
        return next((name for name in names if name in self._tensors), names[0])

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The shape of a tensor under its own name, None where there is none."""
        return self._tensors[name].shape if name in self._tensors else None

    def read(self, expected: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        """Reads the variables named in `expected`, name -> shape, as float32 arrays.

        Raises:
          UserError: a tensor is missing, has another shape or no float type, holds NaN or
            infinity, or the file is damaged.
        """
        return {name: self._read(name, shape) for name, shape in expected.items()}

    def require_no_other(self, variables: Mapping[str, object]) -> None:
        """Makes sure that the encoder has no tensor beside those of `variables`.

        Raises:
          UserError: it has, so config.json does not tell all of the model.
        """
        known = {name for variable in variables for name in self._names(variable)}
        known |= {f"{self._prefix}{path}.weight" for path in self._architecture.first_rows.values()}
        modules = self._architecture.encoder.values()
        parts = tuple({f"{module.partition('.')[0]}." for module in modules})
        for name in self._tensors:
            own = name.removeprefix(self._prefix)
            if own.startswith(parts) and own not in _CONSTANTS and name not in known:
                raise UserError(
                    f"{self.file} has the tensor {name!r}, which a model of this configuration "
                    "does not have: give the config.json that belongs to it."
                )

    def require_tied_words(self) -> None:
        """Makes sure that the last layer of a masked language model is the table of its words.

        Raises:
          UserError: it is a matrix of its own.
        """
        output, table = self.name(MASKED_WORDS_OUTPUT), self.name(f"{EMBEDDINGS}/word_embeddings")
        if output not in self._tensors or table not in self._tensors:
            return
        if not np.array_equal(self._tensors[output].read(), self._tensors[table].read()):
            raise UserError(
                f"{self.file}: the tensor {output!r} is not {table!r}, and a last layer of its own "
                "(tie_word_embeddings: false) is not built: give another model, or "
                "--task=embedding for the vectors of this one."
            )

    def _read(self, variable: str, shape: tuple[int, ...]) -> np.ndarray:
        value = self._read_tensor(self.name(variable), variable, shape)
        added = f"{self._prefix}{self._architecture.first_rows.get(variable)}.weight"
        rows = self.shape(added)
        if rows is not None:
            value = value + self._read_tensor(added, variable, (rows[0], shape[-1]))[0]
        return value

    def _read_tensor(self, name: str, variable: str, shape: tuple[int, ...]) -> np.ndarray:
        if name not in self._tensors:
            raise UserError(
                f"{self.file} has no tensor {name!r}: give the directory of a whole model "
                "with the config.json that belongs to it."
            )
        stored = self._tensors[name]
        is_kernel = variable.endswith("kernel")  # PyTorch keeps [outputs, inputs]
        stored_shape = shape[::-1] if is_kernel else shape
        if stored.shape != stored_shape:
            raise UserError(
                f"{stored.file}: the tensor {name!r} has shape {list(stored.shape)}, where "
                f"config.json asks for {list(stored_shape)}: give files that belong together."
            )
        if not stored.is_float:
            raise UserError(
                f"{stored.file}: the tensor {name!r} has type {stored.dtype}, where floating-point "
                "numbers of 16 bits or more are expected: give the model as it was before it was "
                "quantized."
            )
        value = stored.read()
        if not np.isfinite(value).all():
            raise UserError(
                f"{stored.file}: the tensor {name!r} holds NaN or infinity: the training diverged, "
                "give an earlier model."
            )
        return np.ascontiguousarray(value.T if is_kernel else value)

    def _names(self, variable: str) -> list[str]:
        """The names that a variable may have, a head's first, the newest first.

        `bert/encoder/layer_7/output/LayerNorm/gamma` may be BERT's
        `bert.encoder.layer.7.output.LayerNorm.weight` or `...gamma`.
        """
        if variable in _OF_CLASSIFIER:
            modules = (_OF_SPANS,) if self.finds_spans else self._architecture.classifiers
            return [f"{module}.{_OF_CLASSIFIER[variable]}" for module in modules]
        module, _, parameter = variable.rpartition("/")
        endings = _PARAMETERS.get(parameter)
        if endings is None:
            module, endings = variable, _OF_TABLE
        number = _LAYER_NUMBER.search(module)
        module = _LAYER_NUMBER.sub("{}", module)
        paths = [self._architecture.head[module]] if module in self._architecture.head else []
        if module in self._architecture.encoder:
            paths.append(self._prefix + self._architecture.encoder[module])
        return [f"{path.format(number and number[0])}.{end}" for path in paths for end in endings]


def _unwrapped(tensors: Mapping[str, StoredTensor]) -> Mapping[str, StoredTensor]:
    """The tensors without the names of wrappers: `module.bert.pooler.dense.bias` -> `bert....`."""
    for prefix in _WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            return _unwrapped({name[len(prefix) :]: value for name, value in tensors.items()})
    return tensors
