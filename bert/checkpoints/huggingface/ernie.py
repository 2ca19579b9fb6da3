"""ERNIE in transformers (models/ernie): BERT, with a table of tasks."""

import dataclasses

from bert.checkpoints.huggingface.bert import BERT
from bert.variables import EMBEDDINGS

ERNIE = dataclasses.replace(
    BERT,
    model_type="ernie",
    prefix="ernie.",
    # modeling_ernie.py: where `use_task_id` is true, the task is 0 for callers that name none.
    first_rows={f"{EMBEDDINGS}/token_type_embeddings": "embeddings.task_type_embeddings"},
    classes={head: name.replace("Bert", "Ernie") for head, name in BERT.classes.items()},
)
