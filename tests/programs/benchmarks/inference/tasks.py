"""Tasks other than classification: the model, the requests, who takes part, and the profile."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tests.programs.benchmarks.inference.artefacts import FLOAT32, build, export_for_serving
from tests.programs.benchmarks.inference.contest import WARM_UP, compete
from tests.programs.benchmarks.inference.contestants.task_answers import (
    EMBEDDING,
    QUESTION_ANSWERING,
    TAGGING,
    TOKEN_LABELS,
)
from tests.programs.benchmarks.inference.environments import PYTORCH, TRANSFORMERS4
from tests.programs.benchmarks.inference.registry import OURS, Entrant
from tests.programs.benchmarks.inference.requests import (
    Questions,
    Request,
    question_requests,
    sentence_requests,
)
from tests.programs.benchmarks.inference.task_checkpoints import Head, write_task_checkpoint
from tests.programs.benchmarks.inference.worker import Row

# The profile of a request: its runs, and those of a large batch take seconds.
_TRACED_RUNS, _TIMED_RUNS = 5, 1


class Task(NamedTuple):
    """What is timed of a task; contestants are compared by `task_answers`."""

    name: str
    head: Head
    requests: Callable[[Path], Sequence[Request | Questions]]
    """vocabulary file -> requests"""
    contestants: tuple[str, ...]
    warm_up: tuple[Row, ...] = WARM_UP
    text_names: tuple[str, ...] = ()
    """the inputs of the signature `text`, where there are several"""


PIPELINE, BATCHED_PIPELINE = "pipeline", "pipeline-batch"
SENTENCE_TRANSFORMERS, ONNX = "sentence-transformers", "onnx"

TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            TAGGING,
            Head("BertForTokenClassification", "classifier", len(TOKEN_LABELS), TOKEN_LABELS),
            sentence_requests,
            (PIPELINE, BATCHED_PIPELINE, ONNX, OURS),
        ),
        Task(
            EMBEDDING,
            Head("BertModel"),
            sentence_requests,
            (PIPELINE, SENTENCE_TRANSFORMERS, ONNX, OURS),
        ),
        Task(
            QUESTION_ANSWERING,
            Head("BertForQuestionAnswering", "qa_outputs", 2),
            question_requests,
            (PIPELINE, BATCHED_PIPELINE, ONNX, OURS),
            (("a film?", "a film"),),
            ("question", "context"),
        ),
    )
}


class TaskContest:
    """One task, its model and the contestants."""

    def __init__(self, task: Task, names: Sequence[str], classifier: Path, folder: Path) -> None:
        """Writes the model unless it is there.

        Args:
          task: of TASKS.
          names: of the contestants; who is none of the task's is left out.
          classifier: directory of the model whose encoder is taken.
          folder: where models, artefacts and logs are kept.
        """
        self._task, self._folder = task, folder / task.name
        self._names = names
        checkpoint = self._folder / "checkpoint"
        self.checkpoint = write_task_checkpoint(task.head, classifier, checkpoint)

    def prepare(self) -> dict[str, tuple[Entrant, Path]]:
        """Makes environments and artefacts where they are missing; name -> what it loads."""
        known = _entrants(self._task.name)
        chosen = {name: known[name] for name in self._task.contestants if name in self._names}
        return {
            name: (entrant, entrant.prepare(self.checkpoint, self._folder))
            for name, entrant in chosen.items()
        }

    def run(self, requests: Sequence[Request | Questions], rounds: int) -> dict[str, Any]:
        """Everybody's times, and our share of time outside the encoder, by request, for JSON.

        Raises:
          contest.Disagreement: the answers are not the same.
        """
        prepared = self.prepare()
        with ExitStack() as stack:
            contestants = []
            for name, (entrant, artefact) in prepared.items():
                contestants.append(entrant.start(name, artefact, self._folder / "logs"))
                stack.callback(contestants[-1].close)
                contestants[-1].load()
                print(f"{self._task.name}: loaded {name}", file=sys.stderr, flush=True)
            precisions = dict.fromkeys(prepared, FLOAT32)
            cells = compete(contestants, precisions, requests, rounds, self._task.warm_up)
        shares = self._shares(prepared[OURS][1], requests) if OURS in prepared else {}
        return {
            request.name: {
                "times": {
                    name: {"median_seconds": cell.median, "seconds": cell.seconds}
                    for name, cell in cells[request.name].items()
                },
                **shares.get(request.name, {}),
            }
            for request in requests
        }

    def _shares(
        self, version: Path, requests: Sequence[Request | Questions]
    ) -> dict[str, dict[str, Any]]:
        from tests.programs.benchmarks.inference.graph_profile import GraphProfiler
        from tests.programs.benchmarks.inference.graph_stages import STAGES

        profiler = GraphProfiler(
            version,
            text_names=self._task.text_names,
            traced_runs=_TRACED_RUNS,
            timed_runs=_TIMED_RUNS,
        )
        shares = {}
        for request in requests:
            profile = profiler.profile(request.texts)
            shares[request.name] = {
                "share_outside_encoder": profile.share_outside_encoder,
                "stages_ms": {stage: profile.stage_ms(stage) for stage in STAGES},
            }
        return shares


def _entrants(task: str) -> dict[str, Entrant]:
    """All who can take part, by name."""

    def checkpoint_itself(checkpoint: Path, folder: Path) -> Path:
        return checkpoint

    def onnx(checkpoint: Path, folder: Path) -> Path:
        return build(PYTORCH.python, "build_onnx", checkpoint, folder)

    def exported(checkpoint: Path, folder: Path) -> Path:
        return export_for_serving(checkpoint, folder, warmup=False)

    def pipeline(option: str) -> Entrant:
        return Entrant(
            "transformers' pipeline, PyTorch",
            "pipeline_of_task",
            checkpoint_itself,
            option,
            environment=TRANSFORMERS4,
        )

    return {
        PIPELINE: pipeline(task),
        BATCHED_PIPELINE: pipeline(f"{task}/batched"),
        SENTENCE_TRANSFORMERS: Entrant(
            "sentence-transformers, PyTorch",
            "sentence_transformers_texts",
            checkpoint_itself,
            environment=TRANSFORMERS4,
        ),
        ONNX: Entrant(
            "ONNX Runtime, fused, tokenizers", "onnx_of_task", onnx, task, environment=PYTORCH
        ),
        OURS: Entrant("ours, float32", "saved_model_of_task", exported, task),
    }
