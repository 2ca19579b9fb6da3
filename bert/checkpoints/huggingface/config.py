"""Reads config.json, the file in which `transformers` describes a model."""

import dataclasses
from pathlib import Path

from bert.checkpoints.fields import NO_EXPORT, Fields
from bert.checkpoints.huggingface import cross_encoder
from bert.checkpoints.huggingface.albert import ALBERT
from bert.checkpoints.huggingface.architecture import Architecture
from bert.checkpoints.huggingface.bert import BERT
from bert.checkpoints.huggingface.cross_encoder import CrossEncoder
from bert.checkpoints.huggingface.distilbert import DISTILBERT
from bert.checkpoints.huggingface.electra import ELECTRA
from bert.checkpoints.huggingface.ernie import ERNIE
from bert.checkpoints.huggingface.mpnet import MPNET
from bert.checkpoints.huggingface.unbuilt import REASONS
from bert.config import GELU_ERF, GELU_TANH, RELU, TANH, BertConfig
from bert.errors import UserError

CONFIG_FILE = "config.json"

# The families of models that can be read, by model_type. BERT's is the one that a file may leave
# out.
ARCHITECTURES = {
    architecture.model_type: architecture
    for architecture in (BERT, ALBERT, DISTILBERT, ELECTRA, ERNIE, MPNET)
}

# transformers, activations.py, ACT2FN
_ACTIVATIONS = {
    "gelu": GELU_ERF,
    "gelu_python": GELU_ERF,
    "gelu_new": GELU_TANH,
    "gelu_pytorch_tanh": GELU_TANH,
    "relu": RELU,
    "tanh": TANH,
}


@dataclasses.dataclass(frozen=True)
class HuggingFaceConfig:
    """What the file says of a model."""

    file: Path
    architecture: Architecture
    bert: BertConfig
    saved_class: str | None
    """the class that was saved, such as BertForSequenceClassification"""

    problem_type: str | None
    labels: tuple[str, ...] | None
    """the names of `id2label` in class order, None where there are none"""

    cross_encoder: CrossEncoder | None
    """None where the file is not that of a cross-encoder"""


def read_huggingface_config(file: Path) -> HuggingFaceConfig:
    """Reads the file; what it lacks has the value that transformers gives it.

    Raises:
      UserError: the file is absent, not JSON, holds a wrong value, or is that of a model of
        no family in `ARCHITECTURES`.
    """
    if not file.is_file():
        raise UserError(
            f"{file}, the configuration of the model, does not exist: give a directory that "
            "save_pretrained wrote, or name the file with --bert_config_file."
        )
    fields = Fields.of_json(file)
    told = fields.values.get("model_type")
    if isinstance(told, str) and told in REASONS:
        raise UserError(
            f"{file}: model_type is {told!r}, which is not built ({REASONS[told]}), where one of "
            f"{', '.join(ARCHITECTURES)} is expected: {NO_EXPORT}, give one of these."
        )
    architecture = fields.choice(
        "model_type", ARCHITECTURES, BERT.model_type, f"{NO_EXPORT}, give one of these", null=True
    )
    fields.require(architecture.required, f"{NO_EXPORT}, give one of BERT's", null=True)
    classes = fields.values.get("architectures") or [None]
    if not isinstance(classes, list) or not isinstance(classes[0], str | None):
        raise fields.error("architectures", "a list of one class name")
    activation, default = architecture.activation
    bert = fields.bert_config(
        architecture.sizes,
        hidden_act=fields.choice(activation, _ACTIVATIONS, default),
        **architecture.fixed,
    )
    if bert.embedding_size == bert.hidden_size and not architecture.projects_always:
        bert = dataclasses.replace(bert, embedding_size=None)
    return HuggingFaceConfig(
        file=file,
        architecture=architecture,
        bert=bert,
        saved_class=classes[0],
        problem_type=fields.word("problem_type"),
        labels=_labels(fields),
        cross_encoder=cross_encoder.of_config(fields),
    )


def _labels(fields: Fields) -> tuple[str, ...] | None:
    names = fields.values.get("id2label")
    if names is None:
        return None
    try:
        by_id = {int(index): str(name) for index, name in names.items()}
    except (AttributeError, ValueError) as error:
        raise fields.error("id2label", "an object of label names by class number") from error
    if sorted(by_id) != list(range(len(by_id))):
        raise UserError(
            f"{fields.file}: id2label numbers the classes {sorted(by_id)}, where numbers from 0 "
            "without gaps are expected: correct the file."
        )
    return tuple(by_id[index] for index in range(len(by_id)))
