"""What runs of every task have in common: where training starts, and what it leaves."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic

import numpy as np

from bert.checkpoints import registry
from bert.checkpoints.google_research import write_settings
from bert.checkpoints.registry import Checkpoint
from bert.checkpoints.text.settings import find_max_seq_length
from bert.config import BertConfig
from bert.errors import UserError
from bert.tasks import Task
from bert.training import checkpoints
from bert.training.batches import EncodedExample
from bert.training.dataset import BEST
from bert.training.loading import Loader, M, require_same_task
from bert.training.messages import tell
from bert.training.settings import ModelSettings, find_settings, require_same
from bert.training.trainer import Observer, Schedule, Trainer
from bert.training.training_options import TrainingOptions
from bert.training.watch import Watch

EVAL_RESULTS_FILE = "eval_results.txt"

_INIT_CHECKPOINT = "--init_checkpoint"


class Run(Generic[M]):
    """Weights and settings of a run, and its training."""

    def __init__(
        self,
        task: Task,
        labels: Callable[[], Sequence[str]],
        build: Callable[[BertConfig, Mapping[str, np.ndarray], str], M],
        options: TrainingOptions,
        keeps_best: bool = False,
    ) -> None:
        """Finds weights and settings.

        Args:
          task: what is learnt.
          labels: gives those of the classes, in class order; none where there are no classes.
          build: makes what is trained of its weights, in a precision.
          options: of the run.
          keeps_best: whether the best checkpoint is kept, in BEST of the output directory.

        Raises:
          UserError: a file is missing or faulty, or two settings contradict each other.
        """
        self._task = task
        self._common = options
        self._keeps_best = keeps_best
        self._resumed = self._find_resumed()
        if self._resumed is not None:
            require_same_task(options.output_dir, task)
        self._labels = labels()
        init = options.init_checkpoint
        self._init = None if init is None else registry.find(init, _INIT_CHECKPOINT)
        self.settings = self._find_settings()
        self._loader = Loader(
            self.settings.config,
            task,
            len(self._labels),
            options.seed,
            build,
            options.precision,
        )

    def fit(self, examples: Sequence[EncodedExample], num_counted: int | None = None) -> None:
        """Trains from the newest checkpoint of the output directory, else from the start.

        Args:
          examples: to train on.
          num_counted: how many of them make an epoch; None is all.

        Raises:
          UserError: the weights do not fit, or the output directory cannot be written to.
        """
        options = self._common
        num_counted = len(examples) if num_counted is None else num_counted
        schedule = Schedule.from_epochs(
            num_counted,
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
            model = self._loader.load(self._resumed)
            if step >= schedule.num_train_steps:
                tell(
                    f"{self._resumed} is at step {step} of {schedule.num_train_steps} already: "
                    "nothing to train."
                )
                # A training that was killed may have left its last checkpoint without judgement.
                best = options.output_dir / BEST
                if self._keeps_best and not best.exists():
                    self._write_settings(best)
                self._watch(model, step).after_checkpoint(step)
                return
            tell(f"Training goes on from {self._resumed}.")
            trainer = Trainer(model, schedule)
            trainer.resume(self._resumed.place.weights)
        else:
            model = self._loader.initialise(self._init)
            trainer = Trainer(model, schedule)
        tell(
            f"Training on {num_counted} examples, {schedule.batch_size} a step: "
            f"{schedule.num_train_steps} steps, the first {schedule.num_warmup_steps} of them "
            "warm-up."
        )
        self._write_settings(options.output_dir)
        if self._keeps_best:
            self._write_settings(options.output_dir / BEST)
        trainer.train(examples, options.output_dir, self._watch(model, step))

    def _watch(self, model: M, step: int) -> Observer:
        """What looks at the training of a model from a step on."""
        return Watch(self._common.output_dir, step, metric="loss")

    def trained_checkpoint(self) -> Path:
        """The prefix of the output directory's checkpoint, else of --init_checkpoint.

        With --keep_best it is the best one, otherwise the newest.

        Raises:
          UserError: neither has a classifier for the task.
        """
        return self._trained().place.weights

    def _trained(self) -> Checkpoint:
        """The checkpoint that is judged."""
        best = self._common.output_dir / BEST
        if self._keeps_best and checkpoints.newest(best) is not None:
            return registry.find(best, checkpoints.OUTPUT_DIR)
        newest = self._newest()
        if newest is not None:
            return newest
        init = self._init
        if init is not None and self._loader.holds_classifier(init):
            return init
        lack = "is not given" if init is None else f"{init} has no classifier for the task"
        raise UserError(
            f"--output_dir {self._common.output_dir} holds no checkpoint and --init_checkpoint "
            f"{lack}: train with --do_train first."
        )

    def _newest(self) -> Checkpoint | None:
        prefix = checkpoints.newest(self._common.output_dir)
        return None if prefix is None else registry.find(prefix, checkpoints.OUTPUT_DIR)

    def _find_resumed(self) -> Checkpoint | None:
        try:
            self._common.output_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--output_dir {self._common.output_dir} cannot be made ({error.strerror}): name "
                "another directory."
            ) from error
        return self._newest()

    def _find_settings(self) -> ModelSettings:
        options = self._common
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

    def _write_settings(self, directory: Path) -> None:
        """Makes a directory one that the exporter takes without further flags."""
        try:
            directory.mkdir(exist_ok=True)
            write_settings(
                directory,
                self.settings.config,
                self.settings.vocabulary_file.read_bytes(),
                self.settings.do_lower_case.value,
                self._common.max_seq_length,
                self._labels,
                self._task,
            )
        except OSError as error:
            raise UserError(
                f"--output_dir: {directory} cannot be written to ({error.strerror}): name another "
                "directory."
            ) from error
