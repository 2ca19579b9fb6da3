"""What transformers says of directories: python library.py FOLDER TEXTS.json OUTPUT.json

Runs where transformers is, and imports nothing of this project. With PyTorch beside it the
answers of the model are told as well. OUTPUT.json has by directory `ids` of each text, `labels`,
and `answers`, or `error`.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer
from transformers.utils import logging

_HAS_TORCH = importlib.util.find_spec("torch") is not None


def _say(directory: Path, texts: list[str]) -> dict[str, Any]:
    tokenizer = AutoTokenizer.from_pretrained(directory)
    config = AutoConfig.from_pretrained(directory)
    length = min(tokenizer.model_max_length, config.max_position_embeddings)
    inputs = tokenizer(texts, truncation=True, max_length=length)
    said: dict[str, Any] = {
        "ids": inputs["input_ids"],
        "labels": [config.id2label[index] for index in range(config.num_labels)],
    }
    if _HAS_TORCH:
        said["answers"] = _answers(directory, inputs)
    return said


def _answers(directory: Path, inputs: Any) -> list[list[float]]:
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32)
    model.eval()
    rows = []
    # One by one: without padding it does not matter which token pads.
    for ids in inputs["input_ids"]:
        # Some classes give no token types; all of a single text are 0.
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
        problem = model.config.problem_type
        if problem == "multi_label_classification":
            logits = logits.sigmoid()
        elif problem != "regression" and len(logits) > 1:
            logits = logits.softmax(-1)
        rows.append(logits.tolist())
    return rows


def main(folder: Path, texts: list[str], output: Path) -> None:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    said = {}
    for directory in sorted(folder.iterdir()):
        try:
            said[directory.name] = _say(directory, texts)
        # Whatever a library of others raises for files that it does not read.
        except Exception as error:
            said[directory.name] = {"error": f"{type(error).__name__}: {error}"[:200]}
    output.write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]))
