"""One run of run_squad: train, predict, as far as asked for."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from bert.errors import UserError
from bert.tasks import QUESTION_ANSWERING
from bert.training.batches import Batch, EncodedExample, packed_tokens
from bert.training.evaluation import run_batches, write_result
from bert.training.messages import tell
from bert.training.questions.official_metrics import evaluate
from bert.training.questions.options import SquadOptions
from bert.training.questions.predictions import AnswerSettings, Prediction, predict_answer
from bert.training.questions.squad_file import Question, read_questions
from bert.training.questions.windows import Window, WindowSettings, windows_of
from bert.training.run import EVAL_RESULTS_FILE, Run
from bert.training.token_models import SpanFinder

PREDICTIONS_FILE = "predictions.json"
N_BEST_FILE = "nbest_predictions.json"
NULL_ODDS_FILE = "null_odds.json"


class SquadRun(Run[SpanFinder]):
    """The phases of one run; each after training reads the checkpoint that it judges."""

    def __init__(self, options: SquadOptions) -> None:
        """Finds weights and settings and reads the data of every phase.

        Raises:
          UserError: a file is missing or faulty, or two settings contradict each other.
        """
        self._options = options
        super().__init__(QUESTION_ANSWERING, lambda: (), SpanFinder, options)
        # Everything is read before training, so that no mistake costs hours.
        self._training = self._read(options.train_file, True) if options.do_train else []
        self._asked = self._read(options.predict_file, False) if options.do_predict else []

    def train(self) -> None:
        """Trains from the newest checkpoint of the output directory, else from the start.

        Raises:
          UserError: the weights do not fit, or the output directory cannot be written to.
        """
        examples = [_example(window) for window in self._windows(self._training)]
        if not examples:
            raise UserError(
                f"--train_file {self._options.train_file} has no context with a token: give a file "
                "with contexts."
            )
        tell(f"{len(self._training)} questions have {len(examples)} windows.")
        # Steps are counted by questions, as in run_squad.py, main.
        self.fit(examples, num_counted=len(self._training))

    def predict(self) -> None:
        """Writes the answers to the questions, and measures them where right ones are known."""
        options, checkpoint = self._options, self._trained()
        predictions = self._answers(self._loader.load(checkpoint))
        told = {
            PREDICTIONS_FILE: {each: found.text for each, found in predictions.items()},
            N_BEST_FILE: {
                each: [candidate._asdict() for candidate in found.n_best]
                for each, found in predictions.items()
            },
        }
        if options.version_2_with_negative:
            told[NULL_ODDS_FILE] = {each: found.null_odds for each, found in predictions.items()}
        for name, content in told.items():
            write_result(options.output_dir / name, json.dumps(content, indent=4) + "\n")
        tell(
            f"Answered {len(predictions)} questions with {checkpoint}, written to "
            f"{options.output_dir / PREDICTIONS_FILE}."
        )
        known = [question.answers for question in self._asked if question.answers is not None]
        if len(known) < len(self._asked):
            tell("The answers are not measured: the file does not have all right ones.")
            return
        texts = [predictions[question.id].text for question in self._asked]
        results = evaluate(texts, known, options.version_2_with_negative)
        lines = "".join(f"{name} = {value:.10g}\n" for name, value in results.items())
        write_result(options.output_dir / EVAL_RESULTS_FILE, lines)
        print(lines, end="", flush=True)

    def _answers(self, finder: SpanFinder) -> Mapping[str, Prediction]:
        """The answer to each question, by its id."""
        options = self._options
        windows = self._windows(self._asked)

        def judge(batch: Batch) -> tuple[tf.Tensor]:
            return (finder.logits(packed_tokens(batch)),)

        examples = [_example(window) for window in windows]
        results = run_batches(judge, finder, examples, options.predict_batch_size)
        logits = _by_window([values for (values,) in results], windows)
        settings = AnswerSettings(
            n_best_size=options.n_best_size,
            max_answer_length=options.max_answer_length,
            with_negative=options.version_2_with_negative,
            null_score_diff_threshold=options.null_score_diff_threshold,
            do_lower_case=self.settings.do_lower_case.value,
        )
        own: list[list[int]] = [[] for _ in self._asked]
        for place, window in enumerate(windows):
            own[window.question].append(place)
        return {
            question.id: predict_answer(
                question,
                [windows[place] for place in places],
                [logits[place] for place in places],
                settings,
            )
            for question, places in zip(self._asked, own, strict=True)
        }

    def _read(self, file: Path | None, is_training: bool) -> list[Question]:
        assert file is not None
        with_negative = self._options.version_2_with_negative
        return read_questions(file, is_training=is_training, with_negative=with_negative)

    def _windows(self, questions: Sequence[Question]) -> list[Window]:
        options = self._options
        lengths = (options.max_seq_length, options.doc_stride, options.max_query_length)
        return list(windows_of(questions, self.settings.tokenizer(), WindowSettings(*lengths)))

    def export_keywords(self) -> Mapping[str, Any]:
        """How the export answers questions: as this run does."""
        options = self._options
        if options.version_2_with_negative and options.null_score_diff_threshold:
            tell(
                "Note: the export compares no answer with the best one by their scores alone, "
                f"without --null_score_diff_threshold {options.null_score_diff_threshold:g}."
            )
        return {
            "doc_stride": options.doc_stride,
            "max_query_length": options.max_query_length,
            "max_answer_length": options.max_answer_length,
            "n_best_size": options.n_best_size,
            "null_answer": options.version_2_with_negative,
        }


def run(options: SquadOptions) -> SquadRun:
    """Runs the phases that the options ask for.

    Raises:
      UserError: a mistake of the user's.
    """
    done = SquadRun(options)
    if options.do_train:
        done.train()
    if options.do_predict:
        done.predict()
    return done


def _example(window: Window) -> EncodedExample:
    return EncodedExample(window.ids, window.segment_ids, np.array(window.places, np.int32))


def _by_window(logits: Sequence[np.ndarray], windows: Sequence[Window]) -> list[np.ndarray]:
    """Float32 [N, 2] of batches, cut into windows."""
    if not windows:
        return []
    splits = np.cumsum([len(window.ids) for window in windows])[:-1]
    return np.split(np.concatenate(logits), splits)
