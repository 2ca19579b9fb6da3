"""The variables of Model Garden's BertEncoder as google-research/bert's."""

import numpy as np

from bert.checkpoints.fields import NO_EXPORT
from bert.checkpoints.model_garden.encoder import Encoder
from bert.checkpoints.tensorflow import object_graph
from bert.checkpoints.tensorflow.files import StoredVariables
from bert.checkpoints.tensorflow.object_graph import TrackedObject
from bert.config import BertConfig
from bert.errors import Misfit, UserError, advising
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS, POOLER, classifier_shapes, encoder_shapes

# What a training saves beside the model: a part of a variable's path.
_OF_TRAINING = frozenset(
    ("optimizer", ".OPTIMIZER_SLOT", "global_step", "save_counter", "keras_api")
)

# official/nlp/modeling/models/bert_pretrainer.py: the parts beside the encoder.
_MASKED_LM = "masked_lm"
_PRETRAINING_HEADS = (_MASKED_LM, "classification", "classification_heads")
_NEXT_SENTENCE_POOLERS = (
    ("next_sentence.pooler_dense",),
    ("model", "classification_heads", "0", "dense"),
)


class ModelGardenWeights:
    """The encoder and the head of one checkpoint."""

    def __init__(self, stored: StoredVariables) -> None:
        """Finds them.

        Raises:
          UserError: the files cannot be read, or hold no BERT encoder or several.
        """
        self._stored = stored
        self._root = object_graph.read_root(stored)
        objects = list(self._root.descendants())
        encoders = [found for found in map(Encoder.of, objects) if found is not None]
        if len(encoders) != 1:
            raise UserError(
                f"{stored} is a checkpoint of TensorFlow 2 with {len(encoders) or 'no'} BERT "
                f"encoder{'s'[: len(encoders)]} of Model Garden, where one is expected (one of its "
                f"variables is {self._telling_key()!r}): give the checkpoint of a BertClassifier "
                "or BertEncoder."
            )
        self._encoder = encoders[0]
        self._pretraining_heads = [
            head for found in objects for head in found.children(_PRETRAINING_HEADS)
        ]
        self._is_pretraining = any(found.child(_MASKED_LM) is not None for found in objects)
        heads = [found for found in objects if found.child("out_proj", "kernel") is not None]
        if self._is_pretraining:
            heads = []
        if len(heads) > 1:
            raise UserError(
                f"{stored} has {len(heads)} classification heads, where one is expected: "
                f"{NO_EXPORT}."
            )
        self._head = heads[0] if heads else None

    @property
    def architecture(self) -> str:
        """The class of Model Garden that the checkpoint is of."""
        if self._is_pretraining:
            return "BertPretrainer"
        return "BertEncoder" if self._head is None else "BertClassifier"

    def num_outputs(self) -> int:
        """The outputs of the classification head, 0 where there is none.

        Raises:
          UserError: the head's kernel is no matrix.
        """
        if self._head is None:
            return 0
        with advising("give the checkpoint of a BertClassifier"):
            key = self._find(OUTPUT_WEIGHTS)
            shape = self._stored.shapes[key]
            if len(shape) != 2 or not shape[1]:
                raise Misfit(
                    f"{self._stored}: variable {key!r} has shape {list(shape)}, where [width, "
                    "classes] is expected"
                )
        return shape[1]

    def read(self, config: BertConfig, num_outputs: int, source: str) -> dict[str, np.ndarray]:
        """Reads the encoder, and the classifier unless `num_outputs` is 0, as float32 arrays.

        The pooler is the one that the classifier stands on, or that was pre-trained: the
        head's own where it has one, else the encoder's.

        Args:
          config: the shape of the encoder.
          num_outputs: of the classifier.
          source: what `config` was read from.

        Raises:
          UserError: a variable is missing, of another shape than the configuration asks for, of
            no float type, or there for nothing; or it holds NaN or infinity.
        """
        with advising(f"give the file that belongs to this checkpoint in place of {source}"):
            return self._read(config, num_outputs, source)

    def _read(self, config: BertConfig, num_outputs: int, source: str) -> dict[str, np.ndarray]:
        if self._encoder.num_layers != config.num_hidden_layers:
            raise Misfit(
                f"{self._stored} has {self._encoder.num_layers} layers, where {source} says "
                f"{config.num_hidden_layers}"
            )
        shapes = encoder_shapes(config)
        if num_outputs:
            shapes |= classifier_shapes(config, num_outputs)
        keys = {name: self._find(name) for name in shapes}
        self._require_no_other(set(keys.values()))
        stored = self._stored.read(
            {keys[name]: _stored_shape(name, shape, config) for name, shape in shapes.items()}
        )
        weights = {name: stored[keys[name]].reshape(shape) for name, shape in shapes.items()}
        if num_outputs:
            kernel = stored[keys[OUTPUT_WEIGHTS]]  # [hidden, classes]
            weights[OUTPUT_WEIGHTS] = np.ascontiguousarray(kernel.T)
        return weights

    def _find(self, name: str) -> str:
        """The checkpoint's key for a variable of google-research/bert."""
        if name in (OUTPUT_WEIGHTS, OUTPUT_BIAS):
            variable = "kernel" if name == OUTPUT_WEIGHTS else "bias"
            return self._key(self._head, ("out_proj", variable), name)
        if name.startswith(POOLER):
            return self._key(self._pooler(), (name.rpartition("/")[2],), name)
        return self._key(self._encoder.root, self._encoder.path(name), name)

    def _key(self, start: TrackedObject | None, path: tuple[str, ...], name: str) -> str:
        found = None if start is None else start.child(*path)
        if found is None or found.key not in self._stored.shapes:
            raise Misfit(
                f"{self._stored} has no variable {'/'.join(path)!r}, Model Garden's name for "
                f"{name!r}"
            )
        assert found.key is not None
        return found.key

    def _pooler(self) -> TrackedObject | None:
        if self._head is not None and self._head.child("dense") is not None:
            return self._head.child("dense")
        if self._is_pretraining:
            # The encoder's own was not trained where the head of next sentences has one.
            for path in _NEXT_SENTENCE_POOLERS:
                found = self._root.child(*path)
                if found is not None:
                    return found
        return self._encoder.pooler

    def _require_no_other(self, known: set[str]) -> None:
        # A pooler or head that is not read is still one of the model's.
        for found in (self._encoder.pooler, self._pooler(), self._head, *self._pretraining_heads):
            if found is not None:
                known |= {part.key for part in found.descendants() if part.key}
        for key in sorted(self._stored.shapes):
            if key not in known and not _is_of_training(key):
                raise Misfit(
                    f"{self._stored} has the variable {key!r}, which a BERT of this configuration "
                    "does not have"
                )

    def _telling_key(self) -> str:
        """A variable by which a person sees what the checkpoint is of."""
        keys = sorted(key for key in self._stored.shapes if not _is_of_training(key))
        return next((key for key in keys if "attention" in key), keys[0] if keys else "")


def _stored_shape(name: str, shape: tuple[int, ...], config: BertConfig) -> tuple[int, ...]:
    """The shape that Model Garden keeps a variable in: attention by head, the classifier turned."""
    heads = (config.num_attention_heads, config.size_per_head)
    if name == OUTPUT_WEIGHTS:
        return shape[::-1]
    if "/attention/self/" in name:
        return (*shape[:-1], *heads)
    if name.endswith("/attention/output/dense/kernel"):
        return (*heads, *shape[1:])
    return shape


def _is_of_training(key: str) -> bool:
    return key == object_graph.GRAPH or not _OF_TRAINING.isdisjoint(key.split("/"))
