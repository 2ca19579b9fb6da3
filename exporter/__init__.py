"""Makes a fine-tuned BERT answer plain text on a TensorFlow Serving deployment.

from exporter import export

report = export("out/model.ckpt-343", "models/sentiment", labels=["negative", "positive"])
"""

import contextlib
import dataclasses
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from exporter.package_conflict import check_bert_package

if TYPE_CHECKING:
    from bert.command.options import StrPath, with_keywords
    from bert.errors import UserError
    from exporter.options import ExportKeywords
    from exporter.proof.verification import VerificationError
    from exporter.report import ExportReport

__version__ = "0.1.0"
__all__ = ["ExportReport", "UserError", "VerificationError", "__version__", "export"]

_PLACES = {
    "UserError": "bert.errors",
    "VerificationError": "exporter.proof.verification",
    "ExportReport": "exporter.report",
}


def _export(options: "ExportKeywords[Any]") -> "ExportReport":
    """Turns a checkpoint into a SavedModel version that answers text.

    The same as `python -m exporter`, whose flags have the names of the arguments.

    Args:

    Returns:
      The report of the export; `version_directory` is the path of the SavedModel.

    Raises:
      exporter.UserError: a mistake of the user's, in one sentence.
      exporter.VerificationError: the export answers wrongly.
      In both cases nothing new is left in `export_dir`.
    """
    from bert.command.options import with_paths
    from bert.tensorflow_import import quiet_tensorflow
    from exporter.progress import silent

    options.check()
    options = dataclasses.replace(options, labels=options.class_names(), label_file=None)
    with contextlib.ExitStack() as stack:
        with (options.stage or silent)("loading TensorFlow"):
            stack.enter_context(quiet_tensorflow())
            from exporter.exporting import export_checkpoint

        return export_checkpoint(with_paths(options))


if TYPE_CHECKING:
    export = with_keywords(ExportKeywords[StrPath], _export)
else:

    def __getattr__(name: str) -> Any:
        """Imports a public name when it is first asked for: `import exporter` stays cheap."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # A wrong package `bert` is noticed before anything is imported from it.
        check_bert_package()
        value = _public_export() if name == "export" else _imported(name)
        globals()[name] = value
        return value


def __dir__() -> Sequence[str]:
    return sorted({*globals(), *__all__})


def _public_export() -> Any:
    from bert.command.options import with_keywords
    from exporter.options import ExportKeywords

    return with_keywords(ExportKeywords, _export)


def _imported(name: str) -> Any:
    if name == "UserError":
        return importlib.import_module(_PLACES[name]).UserError
    from bert.tensorflow_import import quiet_tensorflow

    with quiet_tensorflow():
        return getattr(importlib.import_module(_PLACES[name]), name)
