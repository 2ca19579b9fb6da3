"""A pipeline of transformers in PyTorch, as its documentation calls it.

    python -m tests.programs.benchmarks.inference.contestants.pipeline_of_task DIRECTORY TASK

TASK is one of task_answers.py; with `/batched` behind it a request is one padded batch, where a
pipeline runs row by row otherwise.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.programs.benchmarks.inference.contestants.task_answers import (
    EMBEDDING,
    QUESTION_ANSWERING,
    TAGGING,
    of_entities,
)
from tests.programs.benchmarks.inference.worker import Predict, arguments, serve

_THREADS = 2


def _load() -> Predict:
    import torch
    from transformers import pipeline

    given = arguments()
    torch.set_num_threads(_THREADS)
    task, _, batched = given.option.partition("/")
    known: Mapping[str, tuple[str, Mapping[str, Any], Callable[..., np.ndarray]]] = {
        TAGGING: ("token-classification", {"aggregation_strategy": "simple"}, _entities),
        EMBEDDING: ("feature-extraction", {"return_tensors": True}, _means),
        QUESTION_ANSWERING: ("question-answering", {}, _best_answers),
    }
    name, options, predict = known[task]
    model = pipeline(name, str(given.artefact), device="cpu", **options)
    return lambda rows: predict(model, rows, len(rows) if batched else 1)


def _entities(model: Any, rows: list[str], batch_size: int) -> np.ndarray:
    return of_entities(
        (row, entity["entity_group"], float(entity["score"]), entity["start"], entity["end"])
        for row, entities in enumerate(model(rows, batch_size=batch_size))
        for entity in entities
    )


def _means(model: Any, rows: list[str], batch_size: int) -> np.ndarray:
    # Of a padded batch the pipeline does not tell which vectors are of tokens.
    assert batch_size == 1
    return np.stack([vectors[0].mean(0).numpy() for vectors in model(rows, batch_size=1)])


def _best_answers(model: Any, rows: list[tuple[str, str]], batch_size: int) -> np.ndarray:
    questions, contexts = map(list, zip(*rows, strict=True))
    found = model(question=questions, context=contexts, batch_size=batch_size)
    # A single one comes without a list.
    answers = found if isinstance(found, list) else [found]
    return np.array([(answer["score"], answer["start"], answer["end"]) for answer in answers])


if __name__ == "__main__":
    serve(_load)
