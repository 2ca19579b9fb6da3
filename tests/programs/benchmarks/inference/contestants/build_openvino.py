"""Writes OpenVINO's model and tokenizer of a transformers directory.

    python -m tests.programs.benchmarks.inference.contestants.build_openvino \
        CHECKPOINT OUTPUT_DIR [int8]

With int8, NNCF quantizes weights and activations after training, by sentences of this project.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino
from openvino_tokenizers import convert_tokenizer
from transformers import AutoTokenizer, BertForSequenceClassification

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_SENTENCES = 300


def build_openvino(checkpoint: Path, output_dir: Path, precision: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    network = BertForSequenceClassification.from_pretrained(checkpoint).eval()
    example = dict(tokenizer(["a film", "not bad"], return_tensors="pt", padding=True))
    model = openvino.convert_model(network, example_input=example)
    if precision == "int8":
        model = _quantized(model, tokenizer)
    openvino.save_model(model, output_dir / "model.xml", compress_to_fp16=False)
    openvino.save_model(convert_tokenizer(tokenizer), output_dir / "tokenizer.xml")
    shutil.copy(checkpoint / "vocab.txt", output_dir)


def _quantized(model: openvino.Model, tokenizer: AutoTokenizer) -> openvino.Model:
    import nncf

    lines = Path("scripts/quickstart_data/train.tsv").read_text(encoding="utf-8").splitlines()

    def features(line: str) -> Mapping[str, np.ndarray]:
        encoded = tokenizer([line.split("\t")[0]], return_tensors="np")
        return {name: encoded[name] for name in _INPUTS}

    return nncf.quantize(
        model, nncf.Dataset(lines[:_SENTENCES], features), model_type=nncf.ModelType.TRANSFORMER
    )


if __name__ == "__main__":
    build_openvino(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if sys.argv[3:] else "")
