"""BERT in transformers (models/bert)."""

from bert.checkpoints.huggingface.architecture import (
    ENCODER,
    MASKED_LANGUAGE_MODELING,
    QUESTION_ANSWERING,
    SEQUENCE_CLASSIFICATION,
    TOKEN_CLASSIFICATION,
    Architecture,
)
from bert.variables import EMBEDDINGS, MASKED_WORDS, MASKED_WORDS_TRANSFORM, POOLER

_LAYER = "bert/encoder/layer_{}"

BERT = Architecture(
    model_type="bert",
    required={
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
        "pruned_heads": {},
        "quantization_config": None,
    },
    # configuration_bert.py, BertConfig.__init__
    activation=("hidden_act", "gelu"),
    sizes=(
        ("vocab_size", "vocab_size", 30522),
        ("hidden_size", "hidden_size", 768),
        ("num_hidden_layers", "num_hidden_layers", 12),
        ("num_attention_heads", "num_attention_heads", 12),
        ("intermediate_size", "intermediate_size", 3072),
        ("max_position_embeddings", "max_position_embeddings", 512),
        ("type_vocab_size", "type_vocab_size", 2),
        ("layer_norm_eps", "layer_norm_eps", 1e-12),
        ("hidden_dropout_prob", "hidden_dropout_prob", 0.1),
        ("attention_probs_dropout_prob", "attention_probs_dropout_prob", 0.1),
        ("initializer_range", "initializer_range", 0.02),
    ),
    # modeling_bert.py
    prefix="bert.",
    encoder={
        f"{EMBEDDINGS}/word_embeddings": "embeddings.word_embeddings",
        f"{EMBEDDINGS}/token_type_embeddings": "embeddings.token_type_embeddings",
        f"{EMBEDDINGS}/position_embeddings": "embeddings.position_embeddings",
        f"{EMBEDDINGS}/LayerNorm": "embeddings.LayerNorm",
        f"{_LAYER}/attention/self/query": "encoder.layer.{}.attention.self.query",
        f"{_LAYER}/attention/self/key": "encoder.layer.{}.attention.self.key",
        f"{_LAYER}/attention/self/value": "encoder.layer.{}.attention.self.value",
        f"{_LAYER}/attention/output/dense": "encoder.layer.{}.attention.output.dense",
        f"{_LAYER}/attention/output/LayerNorm": "encoder.layer.{}.attention.output.LayerNorm",
        f"{_LAYER}/intermediate/dense": "encoder.layer.{}.intermediate.dense",
        f"{_LAYER}/output/dense": "encoder.layer.{}.output.dense",
        f"{_LAYER}/output/LayerNorm": "encoder.layer.{}.output.LayerNorm",
        POOLER: "pooler.dense",
    },
    head={
        f"{MASKED_WORDS_TRANSFORM}/dense": "cls.predictions.transform.dense",
        f"{MASKED_WORDS_TRANSFORM}/LayerNorm": "cls.predictions.transform.LayerNorm",
        MASKED_WORDS: "cls.predictions",
    },
    classes={
        ENCODER: "BertModel",
        SEQUENCE_CLASSIFICATION: "BertForSequenceClassification",
        TOKEN_CLASSIFICATION: "BertForTokenClassification",
        QUESTION_ANSWERING: "BertForQuestionAnswering",
        MASKED_LANGUAGE_MODELING: "BertForMaskedLM",
    },
)
