"""What transformers says of directories: python library.py FOLDER TEXTS.json OUTPUT.json

Runs where transformers is, and imports nothing of this project. With PyTorch beside it the
answers of the model are told as well, and directories of sentence-transformers are read, by that
library. OUTPUT.json has by directory `ids` of each text, or of each text and the one after it
where `pairs` is true, `labels`, and `answers`, or `error`.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer
from transformers.utils import logging

# In config.json, written by releases of sentence-transformers before 6.
_OF_CROSS_ENCODERS = {"sbert_ce_default_activation_function", "sentence_transformers"}
_HAS_TORCH = importlib.util.find_spec("torch") is not None


def _say(directory: Path, texts: list[str]) -> dict[str, Any]:
    config_file = json.loads((directory / "config.json").read_text())
    is_cross_encoder = not _OF_CROSS_ENCODERS.isdisjoint(config_file)
    if is_cross_encoder or (directory / "modules.json").exists():
        if not _HAS_TORCH:
            raise NotImplementedError("sentence-transformers is not asked without PyTorch")
        model_file = directory / "config_sentence_transformers.json"
        of_model = json.loads(model_file.read_text()) if model_file.exists() else {}
        if is_cross_encoder or of_model.get("model_type") == "CrossEncoder":
            return _say_of_cross_encoder(directory, texts)
        return _say_of_encoder(directory, texts)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    config = AutoConfig.from_pretrained(directory)
    length = min(tokenizer.model_max_length, config.max_position_embeddings)
    inputs = tokenizer(texts, truncation=True, max_length=length)
    said: dict[str, Any] = {
        "ids": inputs["input_ids"],
        "pairs": False,
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


def _say_of_encoder(directory: Path, texts: list[str]) -> dict[str, Any]:
    import torch
    from sentence_transformers import SentenceTransformer

    float32 = {"dtype": torch.float32}
    model = SentenceTransformer(str(directory), device="cpu", model_kwargs=float32)
    prompt = model.prompts.get(model.default_prompt_name or "", "") or ""
    prepare = getattr(model, "preprocess", None) or model.tokenize
    ids = [prepare([prompt + text])["input_ids"][0].tolist() for text in texts]
    # One by one: padding is not to matter.
    answers = [model.encode([text])[0].tolist() for text in texts]
    return {"ids": ids, "pairs": False, "labels": [], "answers": answers}


def _say_of_cross_encoder(directory: Path, texts: list[str]) -> dict[str, Any]:
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(directory), device="cpu", model_kwargs={"dtype": torch.float32})
    pairs = list(zip(texts, (*texts[1:], texts[0]), strict=True))
    # As a batch of one, for a pair with an empty second text is else taken for a single text.
    length = {"truncation": True, "max_length": model.tokenizer.model_max_length}
    inputs = [model.tokenizer([pair], **length) for pair in pairs]
    scores = model.num_labels > 1 and isinstance(model.activation_fn, torch.nn.Identity)
    answers = [model.predict([pair], apply_softmax=scores).reshape(-1).tolist() for pair in pairs]
    names = model.config.id2label
    return {
        "ids": [row["input_ids"][0] for row in inputs],
        "pairs": True,
        "labels": [names[index] for index in range(model.num_labels)],
        "answers": answers,
    }


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
