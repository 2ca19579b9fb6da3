"""Cross-encoders of sentence-transformers: models that score pairs, and their activation."""

import dataclasses

from bert.checkpoints.fields import NO_EXPORT, Fields
from bert.tasks import CLASSIFICATION, IDENTITY, MULTILABEL, REGRESSION, SIGMOID, Task

_FIELD = "activation_fn"
# What releases before 4 called the field, in config.json itself.
_OLDER_FIELD = "sbert_ce_default_activation_function"

# As Python's import paths have them: the module that defines the class, and a shorter one.
_ACTIVATIONS = {
    "torch.nn.modules.activation.Sigmoid": SIGMOID,
    "torch.nn.Sigmoid": SIGMOID,
    "torch.nn.modules.linear.Identity": IDENTITY,
    "torch.nn.Identity": IDENTITY,
}


@dataclasses.dataclass(frozen=True)
class CrossEncoder:
    """What a directory says of a model that scores pairs."""

    activation: str | None
    """IDENTITY or SIGMOID, None where the directory leaves it to the library"""

    source: str
    """the file that says so, in words for a person"""

    def task(self, num_outputs: int) -> Task:
        """What `CrossEncoder.predict` answers, as a task.

        The library's default is the sigmoid for one output, and the numbers as they are for
        several. Those become probabilities here, which is `predict(..., apply_softmax=True)`.
        """
        if num_outputs == 1:
            return dataclasses.replace(REGRESSION, activation=self.activation or SIGMOID)
        return MULTILABEL if self.activation == SIGMOID else CLASSIFICATION

    def describe(self, num_outputs: int) -> str:
        """Which activation that is and where it came from, in words for a person."""
        told = self.source
        if self.activation is None:
            told = f"sentence-transformers' default, {self.source} names none"
        if num_outputs > 1:
            return f"{self.task(num_outputs).activation} of several scores ({told})"
        return f"{self.activation or SIGMOID} ({told})"


def of_config(fields: Fields) -> CrossEncoder | None:
    """What config.json says, None where it is not that of a cross-encoder.

    Releases 4 and 5 of the library write `sentence_transformers.activation_fn`, releases
    before `sbert_ce_default_activation_function`.

    Raises:
      UserError: the activation is another one than Sigmoid or Identity.
    """
    section = fields.section("sentence_transformers")
    if _FIELD in section.values:
        return _of_field(section, _FIELD)
    if fields.values.get(_OLDER_FIELD) is not None:
        return _of_field(fields, _OLDER_FIELD)
    return None


def of_model_file(fields: Fields, of_config_file: CrossEncoder | None) -> CrossEncoder:
    """What config_sentence_transformers.json of release 6 says, else config.json.

    Raises:
      UserError: the activation is another one than Sigmoid or Identity.
    """
    if fields.values.get(_FIELD) is None and of_config_file is not None:
        return of_config_file
    return _of_field(fields, _FIELD)


def _of_field(fields: Fields, name: str) -> CrossEncoder:
    if fields.values.get(name) is None:
        return CrossEncoder(None, str(fields.file))
    activation = fields.choice(name, _ACTIVATIONS, "", NO_EXPORT)
    return CrossEncoder(activation, f"{name} of {fields.file}")
