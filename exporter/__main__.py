"""Turns a fine-tuned BERT checkpoint into a SavedModel version that answers plain text.

python -m exporter --checkpoint out/model.ckpt-343 --export_dir models/sentiment
"""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import app, flags

from exporter import export
from exporter.package_conflict import PackageConflict, check_bert_package


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command; BERT's own names wherever BERT has one."""

    def string(name: str, default: str | None, text: str) -> None:
        flags.DEFINE_string(name, default, text, flag_values=values)

    def boolean(name: str, default: bool | None, text: str) -> None:
        flags.DEFINE_bool(name, default, text, flag_values=values)

    def integer(name: str, text: str) -> None:
        flags.DEFINE_integer(name, None, text, flag_values=values)

    string("checkpoint", None, "Checkpoint prefix, directory, SavedModel or handle. Required.")
    string("export_dir", None, "Base path of the served model; a version is made in it. Required.")
    integer("version", "The version number. Default: Unix seconds.")
    string("bert_config_file", None, "BERT's configuration. Default: beside the checkpoint.")
    string("vocab_file", None, "The vocabulary. Default: beside the checkpoint.")
    boolean("do_lower_case", None, "Casing. Default: tokenizer_config.json, else inferred.")
    string("tokenizer", None, "Library whose ids the model was trained on. Default: by checkpoint.")
    integer("max_seq_length", "Truncation length with [CLS] and [SEP]. Default: as trained.")
    string("task", None, "What the head does. Default: from the checkpoint.")
    boolean("text_pair", False, "Two input texts, text_a and text_b.")
    flags.DEFINE_list("labels", None, "Label names in class order.", flag_values=values)
    string("label_file", None, "A file with one label name a line, in class order.")
    integer("top_k", "How many labels the `labels` signature returns. Default: all.")
    string("default_signature", "text", "text, features or features_with_label_ids.")
    string("precision", "float32", "What weights are kept in: float32 or bfloat16.")
    string("target_serving", "2.12.0", "Oldest TensorFlow Serving that must run the export.")
    boolean("warmup", True, "Write requests that the server runs when it loads the model.")
    string("warmup_file", None, "Their sentences, one a line. Default: some of our own.")
    boolean("verify", True, "Check ids and probabilities in a fresh process.")
    string("verify_file", None, "More lines to check.")


def main(argv: Sequence[str], values: flags.FlagValues) -> int:
    """Exports by the flags; the exit code."""
    if len(argv) > 1:
        return _fail(f"Unexpected argument {argv[1]!r}: every option is a flag, as --checkpoint.")
    # A plain SIGTERM would skip the clean-up of --export_dir.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        check_bert_package()
    except PackageConflict as error:
        return _fail(str(error))
    from bert.errors import UserError
    from exporter.progress import stage

    try:
        for name in ("checkpoint", "export_dir"):
            if not values[name].value:
                raise UserError(f"--{name} is missing: give it, as --{name}=PATH.")
        labels = _labels(values)
    except UserError as error:
        return _fail(str(error))
    from bert.tensorflow_import import import_tensorflow_quietly

    import_tensorflow_quietly()
    from exporter.proof.verification import VerificationError

    try:
        report = export(
            values.checkpoint,
            values.export_dir,
            version=values.version,
            bert_config_file=values.bert_config_file,
            vocab_file=values.vocab_file,
            do_lower_case=values.do_lower_case,
            tokenizer=values.tokenizer,
            max_seq_length=values.max_seq_length,
            task=values.task,
            text_pair=values.text_pair,
            labels=labels,
            top_k=values.top_k,
            default_signature=values.default_signature,
            precision=values.precision,
            target_serving=values.target_serving,
            warmup=values.warmup,
            warmup_file=values.warmup_file,
            verify=values.verify,
            verify_file=values.verify_file,
            stage=stage,
        )
    except UserError as error:
        return _fail(str(error))
    except VerificationError as error:
        return _fail(f"The export was not published: {error}.")
    print(report.summary())
    return 0


def _labels(values: flags.FlagValues) -> list[str] | None:
    from bert.errors import UserError

    if values.labels is not None and values.label_file is not None:
        raise UserError("--labels and --label_file are both given: give one of them.")
    if values.label_file is None:
        return values.labels
    try:
        lines = Path(values.label_file).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"--label_file {values.label_file} cannot be read ({error}): check the path."
        ) from error
    return [line.strip() for line in lines if line.strip()]


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    define_flags(flags.FLAGS)
    app.run(lambda argv: main(argv, flags.FLAGS))
