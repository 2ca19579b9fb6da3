"""The variables of Model Garden's BertEncoder as google-research/bert's."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.checkpoints.tensorflow import object_graph
from bert.checkpoints.tensorflow.object_graph import TrackedObject
from bert.config import BertConfig
from bert.errors import UserError
from bert.variables import (
    EMBEDDINGS,
    OUTPUT_BIAS,
    OUTPUT_WEIGHTS,
    POOLER,
    classifier_shapes,
    encoder_shapes,
    layer,
)

# official/nlp/modeling/layers/transformer_encoder_block.py, TransformerEncoderBlock
_LAYER_MODULES: Mapping[str, tuple[str, ...]] = {
    "attention/self/query": ("_attention_layer", "_query_dense"),
    "attention/self/key": ("_attention_layer", "_key_dense"),
    "attention/self/value": ("_attention_layer", "_value_dense"),
    "attention/output/dense": ("_attention_layer", "_output_dense"),
    "attention/output/LayerNorm": ("_attention_layer_norm",),
    "intermediate/dense": ("_intermediate_dense",),
    "output/dense": ("_output_dense",),
    "output/LayerNorm": ("_output_layer_norm",),
}

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

    def __init__(self, prefix: Path) -> None:
        """Finds them.

        Raises:
          UserError: the files cannot be read, or hold no BERT encoder or several.
        """
        self._prefix = prefix
        self._shapes = tensorflow_files.shapes(prefix)
        self._root = object_graph.read_root(prefix)
        objects = list(self._root.descendants())
        encoders = [found for found in map(_Encoder.of, objects) if found is not None]
        if len(encoders) != 1:
            raise UserError(
                f"--checkpoint {prefix} is a checkpoint of TensorFlow 2 with "
                f"{len(encoders) or 'no'} BERT encoder{'s'[: len(encoders)]} of Model Garden, "
                f"where one is expected (one of its variables is {self._telling_key()!r}): give "
                "the checkpoint of a BertClassifier or BertEncoder."
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
                f"--checkpoint {prefix} has {len(heads)} classification heads, where one is "
                "expected: such a model cannot be exported."
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
        fix = "give the checkpoint of a BertClassifier."
        key = self._find(OUTPUT_WEIGHTS, fix)
        shape = self._shapes[key]
        if len(shape) != 2 or not shape[1]:
            raise UserError(
                f"--checkpoint {self._prefix}: variable {key!r} has shape {list(shape)}, where "
                f"[width, classes] is expected: {fix}"
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
        fix = f"give the file that belongs to this checkpoint in place of {source}."
        if self._encoder.num_layers != config.num_hidden_layers:
            raise UserError(
                f"--checkpoint {self._prefix} has {self._encoder.num_layers} layers, where "
                f"{source} says {config.num_hidden_layers}: {fix}"
            )
        shapes = encoder_shapes(config)
        if num_outputs:
            shapes |= classifier_shapes(config, num_outputs)
        keys = {name: self._find(name, fix) for name in shapes}
        self._require_no_other(set(keys.values()), fix)
        stored_shapes = {
            keys[name]: _stored_shape(name, shape, config) for name, shape in shapes.items()
        }
        stored = tensorflow_files.read_variables(self._prefix, stored_shapes, fix)
        weights = {name: stored[keys[name]].reshape(shape) for name, shape in shapes.items()}
        if num_outputs:
            kernel = stored[keys[OUTPUT_WEIGHTS]]  # [hidden, classes]
            weights[OUTPUT_WEIGHTS] = np.ascontiguousarray(kernel.T)
        return weights

    def _find(self, name: str, fix: str) -> str:
        """The checkpoint's key for a variable of google-research/bert."""
        if name in (OUTPUT_WEIGHTS, OUTPUT_BIAS):
            variable = "kernel" if name == OUTPUT_WEIGHTS else "bias"
            return self._key(self._head, ("out_proj", variable), name, fix)
        if name.startswith(POOLER):
            return self._key(self._pooler(), (name.rpartition("/")[2],), name, fix)
        return self._key(self._encoder.root, self._encoder.path(name), name, fix)

    def _key(self, start: TrackedObject | None, path: tuple[str, ...], name: str, fix: str) -> str:
        found = None if start is None else start.child(*path)
        if found is None or found.key not in self._shapes:
            raise UserError(
                f"--checkpoint {self._prefix} has no variable {'/'.join(path)!r}, Model Garden's "
                f"name for {name!r}: {fix}"
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

    def _require_no_other(self, known: set[str], fix: str) -> None:
        # A pooler or head that is not read is still one of the model's.
        for found in (self._encoder.pooler, self._pooler(), self._head, *self._pretraining_heads):
            if found is not None:
                known |= {part.key for part in found.descendants() if part.key}
        for key in sorted(self._shapes):
            if key not in known and not _is_of_training(key):
                raise UserError(
                    f"--checkpoint {self._prefix} has the variable {key!r}, which a BERT of this "
                    f"configuration does not have: {fix}"
                )

    def _telling_key(self) -> str:
        """A variable by which a person sees what the checkpoint is of."""
        keys = sorted(key for key in self._shapes if not _is_of_training(key))
        return next((key for key in keys if "attention" in key), keys[0] if keys else "")


class _Encoder:
    """Where the parts of an encoder are.

    official/nlp/modeling/networks/bert_encoder.py: BertEncoderV2 is a layer with attributes.
    BertEncoder is a functional model, which numbers its layers with weights in the order of
    the computation; its attributes changed from release to release.
    """

    def __init__(self, root: TrackedObject, is_functional: bool) -> None:
        self.root = root
        self._is_functional = is_functional
        self.num_layers = 0
        while root.child(*self._layer(self.num_layers), "_attention_layer") is not None:
            self.num_layers += 1

    @classmethod
    def of(cls, root: TrackedObject) -> "_Encoder | None":
        """The encoder that an object is, None if it is none."""
        for is_functional in (True, False):
            found = cls(root, is_functional)
            if found.num_layers and root.child(*found.path(f"{EMBEDDINGS}/LayerNorm/gamma")):
                return found
        return None

    @property
    def pooler(self) -> TrackedObject | None:
        """The dense layer on the vector of [CLS]."""
        if self._is_functional:
            return self.root.child(f"layer_with_weights-{4 + self.num_layers}")
        return self.root.child("_pooler_layer")

    def path(self, name: str) -> tuple[str, ...]:
        """The attributes that lead to a variable of google-research/bert, without the pooler."""
        module, _, variable = name.rpartition("/")
        if module == EMBEDDINGS:
            index, attribute = {
                "word_embeddings": (0, "_embedding_layer"),
                "position_embeddings": (1, "_position_embedding_layer"),
                "token_type_embeddings": (2, "_type_embedding_layer"),
            }[variable]
            return self._embedding_part(index, attribute), "embeddings"
        if module == f"{EMBEDDINGS}/LayerNorm":
            return self._embedding_part(3, "_embedding_norm_layer"), variable
        for index in range(self.num_layers):
            own = module.removeprefix(f"{layer(index)}/")
            if own != module:
                return (*self._layer(index), *_LAYER_MODULES[own], variable)
        raise KeyError(name)

    def _embedding_part(self, index: int, attribute: str) -> str:
        return f"layer_with_weights-{index}" if self._is_functional else attribute

    def _layer(self, index: int) -> tuple[str, ...]:
        if self._is_functional:
            return (f"layer_with_weights-{4 + index}",)
        return "_transformer_layers", str(index)


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
