"""Architecture: one family of transformers' models as data, from its files to BERT's terms."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

# What stands on the encoder of a class of models.
ENCODER = "encoder"
SEQUENCE_CLASSIFICATION = "sequence classification"
TOKEN_CLASSIFICATION = "token classification"
QUESTION_ANSWERING = "question answering"
MASKED_LANGUAGE_MODELING = "masked language modeling"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Architecture:
    """What transformers calls the parts of BERT in one family of models.

    A new family is a module with one of these beside `bert.py`, and a row in `config.py`.
    """

    model_type: str

    required: Mapping[str, object]
    """settings of config.json that would make another model, and their value in this one"""

    activation: tuple[str, str]
    """the name of `hidden_act` in config.json, and the default"""

    sizes: Sequence[tuple[str, str, Any]]
    """the other fields: the name in config.json, that of `BertConfig`, and the default"""

    fixed: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """fields of `BertConfig` that no file of the family tells"""

    prefix: str
    """what the encoder is called in models with a head, with a dot"""

    encoder: Mapping[str, str]
    """google-research/bert's dense layers, normalisations and tables -> the family's modules;
    `{}` is the number of the layer"""

    projects_always: bool = False
    """whether the tables have their dense layer where they are as wide as the encoder, too"""

    first_rows: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """a table -> a module with another, whose first row is added to all of its rows: what a caller
    who does not ask for another row gets"""

    head: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """the same for modules between the encoder and the classifier, and for the head of a masked
    language model"""

    classifiers: Sequence[str] = ("classifier",)
    """what the module of the last dense layer may be called, by the class"""

    tokenizer_class: str = "BertTokenizer"
    """the class of the tokenizer where no file names one"""

    classes: Mapping[str, str]
    """what stands on the encoder -> the class, which config.json names"""

    def head_of(self, saved_class: str) -> str | None:
        """What stands on the encoder in a class; None where that is not one of `classes`."""
        return next((head for head, name in self.classes.items() if name == saved_class), None)
