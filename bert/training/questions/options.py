"""The options of answering questions, under the names of run_squad.py's flags."""

import dataclasses
from pathlib import Path

from bert.command.options import option
from bert.training.training_options import DATA, MOST, TEXT, TrainingOptions

# The heading of `--help`.
_ANSWERS = "How questions are answered"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SquadOptions(TrainingOptions):
    """One run: train, predict, export."""

    train_file: Path | None = option(
        None, "file in SQuAD's format with questions to train on", group=DATA
    )
    predict_file: Path | None = option(
        None, "file in SQuAD's format with questions to answer", group=DATA
    )
    do_predict: bool = option(
        False,
        "whether to answer the questions of predict_file, and to measure the answers where the "
        "file has right ones",
        group=DATA,
    )
    max_seq_length: int = option(
        384,
        "most tokens of a window after WordPiece tokenization, with question, [CLS] and [SEP]",
        group=TEXT,
        least=1,
        most=MOST,
    )
    doc_stride: int = option(
        128,
        "tokens from the start of one window of a long context to that of the next",
        group=TEXT,
        least=1,
        most=MOST,
    )
    max_query_length: int = option(
        64, "tokens of a question, which is cut behind them", group=TEXT, least=1, most=MOST
    )
    version_2_with_negative: bool = option(
        False, "whether some questions have no answer, as in SQuAD 2.0", group=_ANSWERS
    )
    null_score_diff_threshold: float = option(
        0.0,
        "by how much the score of no answer must exceed that of the best one to be given",
        group=_ANSWERS,
    )
    n_best_size: int = option(
        20,
        "answers of nbest_predictions.json, and starts and ends that are looked at",
        group=_ANSWERS,
        least=1,
        most=MOST,
    )
    max_answer_length: int = option(
        30, "most tokens of an answer", group=_ANSWERS, least=1, most=MOST
    )
    verbose_logging: bool = option(
        False, "accepted for old command lines, without effect", group=_ANSWERS
    )
