"""Fine-tunes a BERT with transformers on PyTorch; prints step times and dev accuracy as JSON.

    python tests/programs/benchmarks/training/torch_transformers.py SETTINGS

Runs in an environment of its own, which has PyTorch and no TensorFlow, and imports nothing of
this project. SETTINGS is the JSON that `__main__.py` makes.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    get_linear_schedule_with_warmup,
)

_WARMUP = 0.1
_WEIGHT_DECAY = 0.01
_EPSILON = 1e-6
_CLIP_NORM = 1.0
_EVAL_BATCH = 32
# Of progress, on standard error.
_STEPS_A_LINE = 20


def read(file: Path) -> tuple[list[str], list[int]]:
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    return [row[0] for row in rows], [int(row[1]) for row in rows]


def batch_of(tokenizer: Any, encoded: list[list[int]], indices: list[int]) -> Any:
    rows = {"input_ids": [encoded[index] for index in indices]}
    return tokenizer.pad(rows, padding="longest", return_tensors="pt")


def optimizer_of(model: Any, learning_rate: float) -> torch.optim.Optimizer:
    """Biases and layer norms are not decayed, as in the original and in transformers."""
    plain = [each for name, each in model.named_parameters() if _is_plain(name)]
    decayed = [each for name, each in model.named_parameters() if not _is_plain(name)]
    groups = [
        {"params": decayed, "weight_decay": _WEIGHT_DECAY},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, eps=_EPSILON)


def _is_plain(name: str) -> bool:
    return "LayerNorm" in name or "bias" in name


def main() -> None:
    settings = json.loads(sys.argv[1])
    torch.manual_seed(settings["seed"])
    tokenizer = AutoTokenizer.from_pretrained(settings["model"])
    model = AutoModelForSequenceClassification.from_pretrained(settings["model"], num_labels=2)
    data, size = Path(settings["data"]), settings["batch_size"]

    def encode(texts: list[str]) -> list[list[int]]:
        length = settings["max_seq_length"]
        return tokenizer(texts, truncation=True, max_length=length)["input_ids"]

    texts, labels = read(data / "train.tsv")
    encoded = encode(texts)
    num_steps = int(len(texts) / size * settings["epochs"])
    optimizer = optimizer_of(model, settings["learning_rate"])
    schedule = get_linear_schedule_with_warmup(optimizer, int(num_steps * _WARMUP), num_steps)
    model.train()
    order: list[int] = []
    times = []
    for _ in range(num_steps):
        while len(order) < size:
            order += torch.randperm(len(texts)).tolist()
        chosen, order = order[:size], order[size:]
        batch = batch_of(tokenizer, encoded, chosen)
        loss = model(**batch, labels=torch.tensor([labels[index] for index in chosen])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        times.append(time.time())
        if len(times) % _STEPS_A_LINE == 0:
            rate = size * (len(times) - 1) / (times[-1] - times[0])
            print(f"step {len(times)} of {num_steps}, {rate:.1f} examples/s", file=sys.stderr)

    model.eval()
    texts, labels = read(data / "dev.tsv")
    encoded = encode(texts)
    right = 0
    with torch.inference_mode():
        for start in range(0, len(texts), _EVAL_BATCH):
            indices = list(range(start, min(start + _EVAL_BATCH, len(texts))))
            found = model(**batch_of(tokenizer, encoded, indices)).logits.argmax(dim=1).tolist()
            right += sum(
                label == labels[index] for label, index in zip(found, indices, strict=True)
            )
    print(json.dumps({"times": times, "accuracy": right / len(texts)}))


if __name__ == "__main__":
    main()
