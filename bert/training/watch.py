"""What looks at a training on its way: figures for TensorBoard, the best checkpoint, its end."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from bert.errors import UserError
from bert.training import checkpoints, evaluation
from bert.training.batches import EncodedExample
from bert.training.classifier import Classifier
from bert.training.dataset import BEST
from bert.training.evaluation import Metrics
from bert.training.history import History
from bert.training.messages import tell
from bert.training.objective import Objective
from bert.training.optimization import GLOBAL_STEP
from bert.training.options import FineTuningOptions
from bert.training.summaries import Summaries


def make_watch(
    options: FineTuningOptions,
    classifier: Classifier,
    dev_examples: Sequence[EncodedExample],
    metrics: Sequence[str],
    step: int,
) -> "Watch":
    """What a run's options ask for.

    Args:
      options: of the run.
      classifier: that is trained.
      dev_examples: to judge it by.
      metrics: those of the data, besides the task's own; the first one of all says what is best.
      step: that the training starts from.

    Raises:
      UserError: the record of earlier evaluations is damaged.
    """

    def evaluate(at: int) -> Metrics:
        size = options.eval_batch_size
        return evaluation.evaluate(classifier, dev_examples, size, at, metrics).metrics

    return Watch(
        options.output_dir,
        step,
        best_metric(classifier.objective, metrics),
        evaluate if options.judges_checkpoints else None,
        classifier.named_variables() if options.keep_best else None,
        options.early_stopping,
    )


def best_metric(objective: Objective, metrics: Sequence[str]) -> str:
    """The name of what says which checkpoint is best; `metrics` are those of the data."""
    return [*metrics, *objective.metrics][0]


class Watch:
    """Sees every step and every checkpoint of one training."""

    def __init__(
        self,
        output_dir: Path,
        step: int,
        metric: str,
        evaluate: Callable[[int], Metrics] | None = None,
        weights: Mapping[str, tf.Variable] | None = None,
        patience: int | None = None,
    ) -> None:
        """Goes on where a training was interrupted.

        Args:
          output_dir: of the training.
          step: that it starts from.
          metric: the name of what says which checkpoint is better.
          evaluate: judges the weights as they are, at a step; None if that is not asked for.
          weights: those that the best checkpoint has; None if none is to be kept.
          patience: evaluations in a row that may be no better before training ends; None is all.

        Raises:
          UserError: the record of earlier evaluations is damaged.
        """
        self._output_dir = output_dir
        self.metric = metric
        self._evaluate = evaluate
        self._weights = weights
        self._patience = patience
        self._summaries = Summaries(output_dir)
        self._history = History(output_dir, metric, step)

    def after_step(self, step: int, loss: float, learning_rate: float) -> None:
        """Notes the figures of a step."""
        self._summaries.write_step(step, loss, learning_rate)

    def after_checkpoint(self, step: int) -> bool:
        """Evaluates a checkpoint that was just written, or that training goes on from.

        Returns:
          Whether training goes on.

        Raises:
          UserError: the best checkpoint cannot be written.
        """
        self._summaries.flush()
        if self._evaluate is not None and not self._history.has(step):
            self._judge(step, self._evaluate(step))
        if self._patience is None or self._history.since_best() < self._patience:
            return True
        tell(
            f"Step {step}: eval_{self.metric} was no better in {self._patience} evaluations, so "
            "training ends."
        )
        return False

    def _judge(self, step: int, metrics: Metrics) -> None:
        figures = metrics.by_name()
        value = float(figures[f"eval_{self.metric}"])
        is_better = self._history.is_better(value)
        tell(f"Step {step}: eval_{self.metric} {value:.4f}{', the best so far' * is_better}.")
        self._summaries.write_evaluation(
            step, {name: figure for name, figure in figures.items() if name.startswith("eval_")}
        )
        self._summaries.flush()
        try:
            if is_better and self._weights is not None:
                best = self._output_dir / BEST
                checkpoints.save(
                    best, {**self._weights, GLOBAL_STEP: tf.constant(step, tf.int64)}, kept=1
                )
            # After the checkpoint: a training killed between the two evaluates once more.
            self._history.add(step, value)
        except OSError as error:
            raise UserError(
                f"--output_dir {self._output_dir} cannot be written to ({error.strerror}): make "
                "room, and training goes on from the last checkpoint."
            ) from error
