"""ALBERT in transformers (models/albert): BERT whose layers are one, on narrow tables.

Its own tokenizer is SentencePiece's and is refused; there are models with BERT's.
"""

from bert.checkpoints.huggingface.architecture import Architecture
from bert.checkpoints.huggingface.bert import BERT
from bert.variables import (
    EMBEDDINGS,
    EMBEDDINGS_PROJECTION,
    MASKED_WORDS,
    MASKED_WORDS_TRANSFORM,
    POOLER,
)

_LAYER = "bert/encoder/layer_{}"
_THE_LAYER = "encoder.albert_layer_groups.0.albert_layers.0"

# configuration_albert.py, AlbertConfig: what differs from BERT's defaults.
_DEFAULTS = {
    "vocab_size": 30000,
    "hidden_size": 4096,
    "num_attention_heads": 64,
    "intermediate_size": 16384,
    "hidden_dropout_prob": 0,
    "attention_probs_dropout_prob": 0,
}

ALBERT = Architecture(
    model_type="albert",
    required={
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "position_embedding_type": "absolute",
        "pruned_heads": {},
        "quantization_config": None,
    },
    activation=("hidden_act", "gelu_new"),
    sizes=(
        *((name, ours, _DEFAULTS.get(name, default)) for name, ours, default in BERT.sizes),
        ("embedding_size", "embedding_size", 128),
    ),
    # modeling_albert.py
    projects_always=True,
    prefix="albert.",
    encoder={
        f"{EMBEDDINGS}/word_embeddings": "embeddings.word_embeddings",
        f"{EMBEDDINGS}/token_type_embeddings": "embeddings.token_type_embeddings",
        f"{EMBEDDINGS}/position_embeddings": "embeddings.position_embeddings",
        f"{EMBEDDINGS}/LayerNorm": "embeddings.LayerNorm",
        EMBEDDINGS_PROJECTION: "encoder.embedding_hidden_mapping_in",
        f"{_LAYER}/attention/self/query": f"{_THE_LAYER}.attention.query",
        f"{_LAYER}/attention/self/key": f"{_THE_LAYER}.attention.key",
        f"{_LAYER}/attention/self/value": f"{_THE_LAYER}.attention.value",
        f"{_LAYER}/attention/output/dense": f"{_THE_LAYER}.attention.dense",
        f"{_LAYER}/attention/output/LayerNorm": f"{_THE_LAYER}.attention.LayerNorm",
        f"{_LAYER}/intermediate/dense": f"{_THE_LAYER}.ffn",
        f"{_LAYER}/output/dense": f"{_THE_LAYER}.ffn_output",
        f"{_LAYER}/output/LayerNorm": f"{_THE_LAYER}.full_layer_layer_norm",
        POOLER: "pooler",
    },
    head={
        f"{MASKED_WORDS_TRANSFORM}/dense": "predictions.dense",
        f"{MASKED_WORDS_TRANSFORM}/LayerNorm": "predictions.LayerNorm",
        MASKED_WORDS: "predictions",
    },
    tokenizer_class="AlbertTokenizer",
    classes={head: name.replace("Bert", "Albert") for head, name in BERT.classes.items()},
)
