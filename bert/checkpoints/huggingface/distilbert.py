"""DistilBERT in transformers (models/distilbert): BERT without token types and pooler."""

from bert.checkpoints.huggingface.architecture import (
    ENCODER,
    MASKED_LANGUAGE_MODELING,
    QUESTION_ANSWERING,
    SEQUENCE_CLASSIFICATION,
    TOKEN_CLASSIFICATION,
    Architecture,
)
from bert.config import RELU
from bert.variables import EMBEDDINGS, MASKED_WORDS, MASKED_WORDS_TRANSFORM, POOLER

_LAYER = "bert/encoder/layer_{}"

DISTILBERT = Architecture(
    model_type="distilbert",
    required={"pruned_heads": {}, "quantization_config": None},
    # configuration_distilbert.py, DistilBertConfig.__init__
    activation=("activation", "gelu"),
    sizes=(
        ("vocab_size", "vocab_size", 30522),
        ("dim", "hidden_size", 768),
        ("n_layers", "num_hidden_layers", 6),
        ("n_heads", "num_attention_heads", 12),
        ("hidden_dim", "intermediate_size", 3072),
        ("max_position_embeddings", "max_position_embeddings", 512),
        ("dropout", "hidden_dropout_prob", 0.1),
        ("attention_dropout", "attention_probs_dropout_prob", 0.1),
        ("initializer_range", "initializer_range", 0.02),
    ),
    # modeling_distilbert.py: the head of DistilBertForSequenceClassification has nn.ReLU, whatever
    # `activation` says.
    fixed={"type_vocab_size": 0, "layer_norm_eps": 1e-12, "pooler_act": RELU},
    prefix="distilbert.",
    encoder={
        f"{EMBEDDINGS}/word_embeddings": "embeddings.word_embeddings",
        f"{EMBEDDINGS}/position_embeddings": "embeddings.position_embeddings",
        f"{EMBEDDINGS}/LayerNorm": "embeddings.LayerNorm",
        f"{_LAYER}/attention/self/query": "transformer.layer.{}.attention.q_lin",
        f"{_LAYER}/attention/self/key": "transformer.layer.{}.attention.k_lin",
        f"{_LAYER}/attention/self/value": "transformer.layer.{}.attention.v_lin",
        f"{_LAYER}/attention/output/dense": "transformer.layer.{}.attention.out_lin",
        f"{_LAYER}/attention/output/LayerNorm": "transformer.layer.{}.sa_layer_norm",
        f"{_LAYER}/intermediate/dense": "transformer.layer.{}.ffn.lin1",
        f"{_LAYER}/output/dense": "transformer.layer.{}.ffn.lin2",
        f"{_LAYER}/output/LayerNorm": "transformer.layer.{}.output_layer_norm",
    },
    head={
        POOLER: "pre_classifier",
        f"{MASKED_WORDS_TRANSFORM}/dense": "vocab_transform",
        f"{MASKED_WORDS_TRANSFORM}/LayerNorm": "vocab_layer_norm",
        MASKED_WORDS: "vocab_projector",
    },
    classes={
        ENCODER: "DistilBertModel",
        SEQUENCE_CLASSIFICATION: "DistilBertForSequenceClassification",
        TOKEN_CLASSIFICATION: "DistilBertForTokenClassification",
        QUESTION_ANSWERING: "DistilBertForQuestionAnswering",
        MASKED_LANGUAGE_MODELING: "DistilBertForMaskedLM",
    },
)
