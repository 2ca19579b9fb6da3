"""ELECTRA in transformers (models/electra): BERT on narrow tables, with a head of its own."""

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
from bert.variables import EMBEDDINGS_PROJECTION, MASKED_WORDS, MASKED_WORDS_TRANSFORM, POOLER

# configuration_electra.py, ElectraConfig: what differs from BERT's defaults.
_DEFAULTS = {"hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024}

ELECTRA = Architecture(
    model_type="electra",
    required=BERT.required,
    activation=BERT.activation,
    sizes=(
        *((name, ours, _DEFAULTS.get(name, default)) for name, ours, default in BERT.sizes),
        ("embedding_size", "embedding_size", 128),
    ),
    # modeling_electra.py: ElectraClassificationHead and ElectraGeneratorPredictions have
    # get_activation("gelu"), whatever `hidden_act` says, and there is no pooler.
    fixed={"pooler_act": GELU_ERF, "words_act": GELU_ERF},
    prefix="electra.",
    encoder={name: module for name, module in BERT.encoder.items() if name != POOLER}
    | {EMBEDDINGS_PROJECTION: "embeddings_project"},
    head={
        POOLER: "classifier.dense",
        f"{MASKED_WORDS_TRANSFORM}/dense": "generator_predictions.dense",
        f"{MASKED_WORDS_TRANSFORM}/LayerNorm": "generator_predictions.LayerNorm",
        MASKED_WORDS: "generator_lm_head",
    },
    classifiers=("classifier.out_proj", "classifier"),
    classes={
        ENCODER: "ElectraModel",
        SEQUENCE_CLASSIFICATION: "ElectraForSequenceClassification",
        TOKEN_CLASSIFICATION: "ElectraForTokenClassification",
        QUESTION_ANSWERING: "ElectraForQuestionAnswering",
        MASKED_LANGUAGE_MODELING: "ElectraForMaskedLM",
    },
)
