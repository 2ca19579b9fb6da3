"""Where the parts of Model Garden's BertEncoder are in a checkpoint's object graph."""

from collections.abc import Mapping

from bert.checkpoints.tensorflow.object_graph import TrackedObject
from bert.variables import EMBEDDINGS, layer

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


class Encoder:
    """Where the parts of an encoder are.

    official/nlp/modeling/networks/bert_encoder.py: BertEncoderV2 is a layer with attributes.
    BertEncoder is a functional model, which numbers its layers with weights in the order of
    the computation; its attributes changed from release to release.
    """

    def __init__(self, root: TrackedObject, is_functional: bool) -> None:
        """Counts the layers below `root`, a functional model or a layer with attributes."""
        self.root = root
        self._is_functional = is_functional
        self.num_layers = 0
        while root.child(*self._layer(self.num_layers), "_attention_layer") is not None:
            self.num_layers += 1

    @classmethod
    def of(cls, root: TrackedObject) -> "Encoder | None":
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
