"""MPNet in transformers (models/mpnet): BERT with distances in attention, no token types."""

from bert.checkpoints.huggingface.architecture import (
    ENCODER,
    MASKED_LANGUAGE_MODELING,
    QUESTION_ANSWERING,
    SEQUENCE_CLASSIFICATION,
    TOKEN_CLASSIFICATION,
    Architecture,
)
from bert.checkpoints.huggingface.bert import BERT
from bert.config import GELU_ERF
from bert.variables import (
    EMBEDDINGS,
    MASKED_WORDS,
    MASKED_WORDS_TRANSFORM,
    POOLER,
    RELATIVE_ATTENTION_BIAS,
)

_LAYER = "bert/encoder/layer_{}"

# MPNetEncoder.compute_position_bias counts so many, whatever the configuration says.
_BUCKETS = 32

MPNET = Architecture(
    model_type="mpnet",
    required={
        "relative_attention_num_buckets": _BUCKETS,
        "pruned_heads": {},
        "quantization_config": None,
    },
    # configuration_mpnet.py, MPNetConfig
    activation=BERT.activation,
    sizes=[
        (name, ours, 30527 if name == "vocab_size" else default)
        for name, ours, default in BERT.sizes
        if name != "type_vocab_size"
    ],
    # modeling_mpnet.py: MPNetEmbeddings has a padding_idx of 1, whatever `pad_token_id` says, and
    # MPNetLMHead has gelu, whatever `hidden_act` says.
    fixed={
        "type_vocab_size": 0,
        "padding_id": 1,
        "relative_attention_buckets": _BUCKETS,
        "words_act": GELU_ERF,
    },
    prefix="mpnet.",
    encoder={
        f"{EMBEDDINGS}/word_embeddings": "embeddings.word_embeddings",
        f"{EMBEDDINGS}/position_embeddings": "embeddings.position_embeddings",
        f"{EMBEDDINGS}/LayerNorm": "embeddings.LayerNorm",
        RELATIVE_ATTENTION_BIAS: "encoder.relative_attention_bias",
        f"{_LAYER}/attention/self/query": "encoder.layer.{}.attention.attn.q",
        f"{_LAYER}/attention/self/key": "encoder.layer.{}.attention.attn.k",
        f"{_LAYER}/attention/self/value": "encoder.layer.{}.attention.attn.v",
        f"{_LAYER}/attention/output/dense": "encoder.layer.{}.attention.attn.o",
        f"{_LAYER}/attention/output/LayerNorm": "encoder.layer.{}.attention.LayerNorm",
        f"{_LAYER}/intermediate/dense": "encoder.layer.{}.intermediate.dense",
        f"{_LAYER}/output/dense": "encoder.layer.{}.output.dense",
        f"{_LAYER}/output/LayerNorm": "encoder.layer.{}.output.LayerNorm",
        POOLER: "pooler.dense",
    },
    head={
        POOLER: "classifier.dense",
        f"{MASKED_WORDS_TRANSFORM}/dense": "lm_head.dense",
        f"{MASKED_WORDS_TRANSFORM}/LayerNorm": "lm_head.layer_norm",
        MASKED_WORDS: "lm_head",
    },
    classifiers=("classifier.out_proj", "classifier"),
    tokenizer_class="MPNetTokenizer",
    classes={
        ENCODER: "MPNetModel",
        SEQUENCE_CLASSIFICATION: "MPNetForSequenceClassification",
        TOKEN_CLASSIFICATION: "MPNetForTokenClassification",
        QUESTION_ANSWERING: "MPNetForQuestionAnswering",
        MASKED_LANGUAGE_MODELING: "MPNetForMaskedLM",
    },
)
