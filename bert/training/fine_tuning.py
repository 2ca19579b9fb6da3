"""One run of run_classifier: train, evaluate, predict, export, as far as asked for."""

from bert.training import checkpoints, evaluation, plots
from bert.training.batches import EncodedExample, encode
from bert.training.classifier import Classifier
from bert.training.dataset import DEV, TEST, TRAIN, Dataset
from bert.training.label_counts import require_learnable
from bert.training.messages import tell
from bert.training.objective import OBJECTIVES
from bert.training.options import FineTuningOptions
from bert.training.run import EVAL_RESULTS_FILE, Run
from bert.training.watch import Watch, best_metric, make_watch

TEST_RESULTS_FILE = "test_results.tsv"


class FineTuning(Run[Classifier]):
    """The phases of one run; each after training reads the checkpoint that it judges."""

    def __init__(self, dataset: Dataset, options: FineTuningOptions) -> None:
        """Finds weights and settings and reads the data of every phase.

        Raises:
          UserError: a file is missing or faulty, or two settings contradict each other.
        """
        self._dataset = dataset
        self._options = options
        if options.plots:
            plots.require_matplotlib()
        super().__init__(
            dataset.task,
            lambda: dataset.labels,
            lambda config, weights, precision: Classifier(config, weights, dataset.task, precision),
            options,
            options.keep_best,
        )
        self._predicted_split = TEST if dataset.has(TEST) else DEV
        # Everything is read before training, so that no mistake costs hours.
        self._train_examples = self._encode(TRAIN) if options.do_train else []
        judges = options.do_eval or (options.do_train and options.judges_checkpoints)
        self._dev_examples = self._encode(DEV) if judges else []
        self._predicted = self._encode(self._predicted_split) if options.do_predict else []

    def train(self) -> None:
        """Trains from the newest checkpoint of the output directory, else from the start.

        Raises:
          UserError: the weights do not fit, or the output directory cannot be written to.
        """
        self.fit(self._train_examples)
        if self._options.plots:
            metric = best_metric(OBJECTIVES[self._task.name], self._dataset.metrics)
            tell(f"Drew {plots.draw_learning_curve(self._options.output_dir, metric)}.")

    def _watch(self, model: Classifier, step: int) -> Watch:
        return make_watch(self._options, model, self._dev_examples, self._dataset.metrics, step)

    def evaluate(self) -> None:
        """Writes and prints metrics and loss on dev.tsv."""
        checkpoint = self._trained()
        found = evaluation.evaluate(
            self._loader.load(checkpoint),
            self._dev_examples,
            self._options.eval_batch_size,
            checkpoints.read_global_step(checkpoint.place.weights, checkpoint.flag),
            self._dataset.metrics,
        )
        file = self._options.output_dir / EVAL_RESULTS_FILE
        evaluation.write_metrics(file, found.metrics)
        tell(f"Evaluated {checkpoint} on {len(self._dev_examples)} examples, written to {file}:")
        print(file.read_text(encoding="utf-8"), end="", flush=True)
        if self._options.plots and self._task.has_one_label:
            counts = plots.confusion_matrix(found.predicted, found.expected, len(self._labels))
            folder = self._options.output_dir
            tell(f"Drew {plots.draw_confusion_matrix(folder, counts, self._labels)}.")

    def predict(self) -> None:
        """Writes probabilities or numbers for test.tsv, or for dev.tsv where there is none."""
        checkpoint = self._trained()
        answers = evaluation.predict(
            self._loader.load(checkpoint), self._predicted, self._options.predict_batch_size
        )
        file = self._options.output_dir / TEST_RESULTS_FILE
        evaluation.write_answers(file, answers)
        absent = self._dataset.file(TEST).name
        missing = "" if self._predicted_split == TEST else f" (there is no {absent})"
        tell(f"Predicted {self._predicted_split}{missing} with {checkpoint}, written to {file}.")

    def _encode(self, split: str) -> list[EncodedExample]:
        examples = self._dataset.examples(split)
        if split == TRAIN:
            require_learnable(examples, self._labels, self._dataset.file(split))
        label_id = OBJECTIVES[self._dataset.task.name].labels_to_ids(self._labels)
        tokenizer, length = self.settings.tokenizer(), self._options.max_seq_length
        return encode(examples, tokenizer, label_id, length)
