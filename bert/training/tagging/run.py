"""One run of run_classifier on tagged words: train, evaluate, predict."""

import functools
import json
from collections.abc import Sequence

import numpy as np

from bert.tasks import TOKEN_CLASSIFICATION
from bert.training import checkpoints, plots
from bert.training.dataset import DEV, TEST, TRAIN
from bert.training.evaluation import Metrics, run_batches, write_metrics, write_result
from bert.training.messages import tell
from bert.training.options import FineTuningOptions
from bert.training.run import EVAL_RESULTS_FILE, Run
from bert.training.tagging.dataset import TaggingDataset
from bert.training.tagging.encoding import (
    NO_TOKEN,
    EncodedSentence,
    encode_sentence,
    has_label,
)
from bert.training.tagging.evaluation import (
    F1,
    Tags,
    import_seqeval,
    measure,
    report,
    word_tags,
)
from bert.training.tagging.sentences import JSON_LINES, TAGS, TOKENS, TaggedSentence
from bert.training.token_models import Tagger
from bert.training.watch import Watch

TEST_RESULTS = "test_results"


class TaggingRun(Run[Tagger]):
    """The phases of one run; each after training reads the checkpoint that it judges."""

    def __init__(self, dataset: TaggingDataset, options: FineTuningOptions) -> None:
        """Finds weights and settings and reads the data of every phase.

        Raises:
          UserError: a file is missing or faulty, or two settings contradict each other.
        """
        self._dataset, self._options = dataset, options
        if options.plots:
            plots.require_matplotlib()
        if options.do_eval or options.judges_checkpoints:
            import_seqeval()
        super().__init__(
            TOKEN_CLASSIFICATION, lambda: dataset.labels, Tagger, options, options.keep_best
        )
        self._predicted_split = TEST if dataset.has(TEST) else DEV
        # Everything is read before training, so that no mistake costs hours.
        self._training = self._read(TRAIN) if options.do_train else []
        judges = options.do_train and options.judges_checkpoints
        self._dev = self._read(DEV) if options.do_eval or judges else []
        self._predicted = self._read(self._predicted_split) if options.do_predict else []

    def train(self) -> None:
        """Trains from the newest checkpoint of the output directory, else from the start.

        Raises:
          UserError: the weights do not fit, or the output directory cannot be written to.
        """
        # A batch without any label would have no loss.
        self.fit([each for each in self._encode(self._training, TRAIN) if has_label(each)])
        if self._options.plots:
            tell(f"Drew {plots.draw_learning_curve(self._options.output_dir, F1)}.")

    def evaluate(self) -> None:
        """Writes and prints precision, recall and F1 of entities, and the loss, on DEV."""
        checkpoint = self._trained()
        step = checkpoints.read_global_step(checkpoint.place.weights, checkpoint.flag)
        metrics, predicted = self._measure(self._loader.load(checkpoint), step)
        file = self._options.output_dir / EVAL_RESULTS_FILE
        write_metrics(file, metrics)
        tell(report(predicted, self._expected()).rstrip())
        tell(f"Evaluated {checkpoint} on {len(predicted)} sentences, written to {file}:")
        print(file.read_text(encoding="utf-8"), end="", flush=True)

    def _watch(self, model: Tagger, step: int) -> Watch:
        options = self._options
        return Watch(
            options.output_dir,
            step,
            F1,
            (lambda at: self._measure(model, at)[0]) if options.judges_checkpoints else None,
            model.named_variables() if options.keep_best else None,
            options.early_stopping,
        )

    def _measure(self, tagger: Tagger, step: int) -> tuple[Metrics, Tags]:
        """How good the weights of a step are on DEV, and the tags that they give."""
        encoded = self._encoded_dev
        results = run_batches(tagger.judge, tagger, encoded, self._options.eval_batch_size)
        losses = [losses for losses, _ in results if len(losses)]
        predicted = word_tags(encoded, _by_sentence(results, encoded), self._labels)
        metrics = Metrics(
            eval_loss=np.float32(np.mean(np.concatenate(losses), dtype=np.float64)),
            global_step=step,
            loss=np.float32(np.mean([batch.mean(dtype=np.float64) for batch in losses])),
            named=measure(predicted, self._expected()),
        )
        return metrics, predicted

    @functools.cached_property
    def _encoded_dev(self) -> list[EncodedSentence]:
        return self._encode(self._dev, DEV)

    def _expected(self) -> Tags:
        return [sentence.tags or () for sentence in self._dev]

    def predict(self) -> None:
        """Writes the tags of TEST, or of DEV where there is none, in the format of its file."""
        checkpoint = self._trained()
        tagger, split = self._loader.load(checkpoint), self._predicted_split
        encoded = self._encode(self._predicted, split)

        results = run_batches(tagger.judge, tagger, encoded, self._options.predict_batch_size)
        predicted = word_tags(encoded, _by_sentence(results, encoded), self._labels)
        is_json = self._dataset.file(split).suffix == JSON_LINES
        file = self._options.output_dir / f"{TEST_RESULTS}{JSON_LINES if is_json else '.conll'}"
        written = _json_line if is_json else _conll_lines
        rows = zip(self._predicted, predicted, strict=True)
        write_result(file, "".join(written(sentence.words, tags) for sentence, tags in rows))
        absent = self._dataset.file(TEST).stem
        missing = "" if split == TEST else f" (there is no {absent})"
        tell(f"Predicted {split}{missing} with {checkpoint}, written to {file}.")

    def _read(self, split: str) -> list[TaggedSentence]:
        return self._dataset.sentences(split)

    def _encode(self, sentences: Sequence[TaggedSentence], split: str) -> list[EncodedSentence]:
        options, tokenizer = self._options, self.settings.tokenizer()
        encoded = [
            encode_sentence(
                sentence,
                tokenizer,
                self._labels,
                options.max_seq_length,
                options.label_all_tokens,
            )
            for sentence in sentences
        ]
        cut = sum(int(np.sum(sentence.first_pieces == NO_TOKEN)) for sentence in encoded)
        if cut:
            tell(
                f"Note: {cut} words of {self._dataset.file(split)} have no token within "
                f"--max_seq_length {options.max_seq_length}: they are taken as O."
            )
        return encoded


def _by_sentence(
    results: Sequence[tuple[np.ndarray, ...]], sentences: Sequence[EncodedSentence]
) -> list[np.ndarray]:
    """The classes that batches ended with, cut into sentences."""
    classes = np.concatenate([result[-1] for result in results])
    return np.split(classes, np.cumsum([len(sentence.ids) for sentence in sentences])[:-1])


def _conll_lines(words: Sequence[str], tags: Sequence[str]) -> str:
    lines = (f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True))
    return "".join(lines) + "\n"


def _json_line(words: Sequence[str], tags: Sequence[str]) -> str:
    return json.dumps({TOKENS: list(words), TAGS: list(tags)}, ensure_ascii=False) + "\n"
