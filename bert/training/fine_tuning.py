"""One run of run_classifier: train, evaluate, predict, export, as far as asked for."""

from pathlib import Path

from bert.checkpoints import registry
from bert.checkpoints.google_research import write_settings
from bert.checkpoints.registry import Checkpoint
from bert.checkpoints.text.settings import find_max_seq_length
from bert.errors import UserError
from bert.training import checkpoints, evaluation, plots
from bert.training.batches import EncodedExample, encode
from bert.training.dataset import BEST, DEV, TEST, TRAIN, Dataset
from bert.training.label_counts import require_learnable
from bert.training.loading import Loader, require_same_task
from bert.training.messages import tell
from bert.training.objective import OBJECTIVES
from bert.training.options import FineTuningOptions
from bert.training.settings import ModelSettings, find_settings, require_same
from bert.training.trainer import Schedule, Trainer
from bert.training.watch import make_watch

EVAL_RESULTS_FILE = "eval_results.txt"
TEST_RESULTS_FILE = "test_results.tsv"

_INIT_CHECKPOINT = "--init_checkpoint"


class FineTuning:
    """The phases of one run; each after training reads the checkpoint that it judges."""

    def __init__(self, dataset: Dataset, options: FineTuningOptions) -> None:
        """Finds weights and settings and reads the data of every phase.

        Raises:
          UserError: a file is missing or faulty, or two settings contradict each other.
        """
        self._dataset = dataset
        if options.plots:
            plots.require_matplotlib()
        self._options = options
        self._resumed = self._find_resumed()
        if self._resumed is not None:
            require_same_task(options.output_dir, dataset.task)
        self._labels = dataset.labels
        init = options.init_checkpoint
        self._init = None if init is None else registry.find(init, _INIT_CHECKPOINT)
        self.settings = self._find_settings()
        self._loader = Loader(self.settings.config, dataset.task, len(self._labels), options.seed)
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
        options = self._options
        schedule = Schedule.from_epochs(
            len(self._train_examples),
            options.num_train_epochs,
            options.warmup_proportion,
            options.train_batch_size,
            options.learning_rate,
            options.save_checkpoints_steps,
            options.seed,
            options.gradient_accumulation_steps,
        )
        step = 0
        if self._resumed is not None:
            step = checkpoints.read_global_step(self._resumed.place.weights)
            if step >= schedule.num_train_steps:
                tell(
                    f"{self._resumed} is at step {step} of {schedule.num_train_steps} already: "
                    "nothing to train."
                )
                return
            tell(f"Training goes on from {self._resumed}.")
            classifier = self._loader.load(self._resumed)
            trainer = Trainer(classifier, schedule)
            trainer.resume(self._resumed.place.weights)
        else:
            classifier = self._loader.initialise(self._init)
            trainer = Trainer(classifier, schedule)
        tell(
            f"Training on {len(self._train_examples)} examples, {schedule.batch_size} a step: "
            f"{schedule.num_train_steps} steps, the first {schedule.num_warmup_steps} of them "
            "warm-up."
        )
        self._write_settings(options.output_dir)
        if options.keep_best:
            self._write_settings(options.output_dir / BEST)
        watch = make_watch(options, classifier, self._dev_examples, self._dataset.metrics, step)
        trainer.train(self._train_examples, options.output_dir, watch)
        if options.plots:
            tell(f"Drew {plots.draw_learning_curve(options.output_dir, watch.metric)}.")

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
        if self._options.plots and self._dataset.task.has_one_label:
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

    def trained_checkpoint(self) -> Path:
        """The prefix of the output directory's checkpoint, else of --init_checkpoint.

        With --keep_best it is the best one, otherwise the newest.

        Raises:
          UserError: neither has a classifier for the task.
        """
        return self._trained().place.weights

    def _trained(self) -> Checkpoint:
        best = self._options.output_dir / BEST
        if self._options.keep_best and checkpoints.newest(best) is not None:
            return registry.find(best, checkpoints.OUTPUT_DIR)
        newest = self._newest()
        if newest is not None:
            return newest
        init = self._init
        if init is not None and self._loader.holds_classifier(init):
            return init
        lack = "is not given" if init is None else f"{init} has no classifier for the task"
        raise UserError(
            f"--output_dir {self._options.output_dir} holds no checkpoint and --init_checkpoint "
            f"{lack}: train with --do_train first."
        )

    def _newest(self) -> Checkpoint | None:
        prefix = checkpoints.newest(self._options.output_dir)
        return None if prefix is None else registry.find(prefix, checkpoints.OUTPUT_DIR)

    def _find_resumed(self) -> Checkpoint | None:
        try:
            self._options.output_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--output_dir {self._options.output_dir} cannot be made ({error.strerror}): name "
                "another directory."
            ) from error
        return self._newest()

    def _find_settings(self) -> ModelSettings:
        options = self._options
        settings = find_settings(
            [found for found in (self._resumed, self._init) if found is not None],
            options.bert_config_file,
            options.vocab_file,
            options.do_lower_case,
        )
        if self._resumed is not None:
            require_same(settings, self._resumed.place.directory)
        find_max_seq_length(
            options.output_dir, options.max_seq_length, settings.config.max_position_embeddings
        )
        casing = settings.do_lower_case
        tell(f"do_lower_case={casing.value}, {casing.source}.")
        if settings.replaced_gelu:
            tell(
                "Note: the pre-trained model has the erf form of GELU and google-research/bert's "
                "is the tanh form, so training starts from answers that differ slightly."
            )
        if options.do_lower_case is not None and casing.value != settings.vocabulary.is_uncased():
            tell("Warning: the vocabulary looks as if the model had the other casing.")
        return settings

    def _encode(self, split: str) -> list[EncodedExample]:
        examples = self._dataset.examples(split)
        if split == TRAIN:
            require_learnable(examples, self._labels, self._dataset.file(split))
        label_id = OBJECTIVES[self._dataset.task.name].labels_to_ids(self._labels)
        tokenizer, length = self.settings.tokenizer(), self._options.max_seq_length
        return encode(examples, tokenizer, label_id, length)

    def _write_settings(self, directory: Path) -> None:
        """Makes a directory one that the exporter takes without further flags."""
        try:
            directory.mkdir(exist_ok=True)
            write_settings(
                directory,
                self.settings.config,
                self.settings.vocabulary_file.read_bytes(),
                self.settings.do_lower_case.value,
                self._options.max_seq_length,
                self._labels,
                self._dataset.task,
            )
        except OSError as error:
            raise UserError(
                f"--output_dir: {directory} cannot be written to ({error.strerror}): name another "
                "directory."
            ) from error


def run(dataset: Dataset, options: FineTuningOptions) -> FineTuning:
    """Runs the phases that the options ask for, in the original's order.

    Raises:
      UserError: a mistake of the user's.
    """
    fine_tuning = FineTuning(dataset, options)
    if options.do_train:
        fine_tuning.train()
    if options.do_eval:
        fine_tuning.evaluate()
    if options.do_predict:
        fine_tuning.predict()
    return fine_tuning
