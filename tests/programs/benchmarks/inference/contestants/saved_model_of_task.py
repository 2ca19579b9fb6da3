"""The signature `text` of an export of ours, for tasks that answer more than probabilities.

    python -m tests.programs.benchmarks.inference.contestants.saved_model_of_task DIRECTORY TASK

TASK is one of task_answers.py.
"""

from collections.abc import Mapping

import numpy as np

from tests.programs.benchmarks.inference.contestants.task_answers import (
    EMBEDDING,
    QUESTION_ANSWERING,
    TAGGING,
    of_entities,
)
from tests.programs.benchmarks.inference.worker import Predict, Row, arguments, serve

_SIGNATURE = "text"


def _load() -> Predict:
    from exporter.runtime.servable import Servable

    given = arguments()
    servable = Servable(given.artefact)
    names = ("question", "context") if given.option == QUESTION_ANSWERING else ("text",)
    numbers = {
        TAGGING: _entities,
        EMBEDDING: lambda answer: answer["embedding"],
        QUESTION_ANSWERING: _best_answers,
    }[given.option]

    def predict(rows: list[Row]) -> np.ndarray:
        columns = zip(*([row] if isinstance(row, str) else row for row in rows), strict=True)
        inputs = {
            name: np.array([text.encode() for text in column], object)
            for name, column in zip(names, columns, strict=True)
        }
        return numbers(servable.predict(_SIGNATURE, inputs))

    return predict


def _entities(answer: Mapping[str, np.ndarray]) -> np.ndarray:
    columns = [answer[name].tolist() for name in ("labels", "scores", "starts", "ends")]
    return of_entities(
        (row, label.decode(), score, start, end)
        for row, count in enumerate(answer["count"].tolist())
        for label, score, start, end in zip(
            *(column[row][:count] for column in columns), strict=True
        )
    )


def _best_answers(answer: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.stack([answer[name] for name in ("score", "start", "end")], axis=1)


if __name__ == "__main__":
    serve(_load)
