"""Who takes part: what each of them loads, and in which environment."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.programs.benchmarks.inference.artefacts import FLOAT32, build, export_for_serving
from tests.programs.benchmarks.inference.contestant import Contestant
from tests.programs.benchmarks.inference.environments import (
    HUGGINGFACE_TENSORFLOW,
    OPENVINO,
    PYTORCH,
    Environment,
)

BFLOAT16, INT8 = "bfloat16", "int8"
OURS, OURS_BFLOAT16, OURS_INT8 = "ours", "ours-bf16", "ours-int8"

# The largest difference of a probability that is still the same answer.
TOLERANCE: Mapping[str, float] = {FLOAT32: 1e-4, BFLOAT16: 2e-2, INT8: 0.3}

_PADDED_LENGTH = "256"


class Entrant(NamedTuple):
    """How one contestant is made and started."""

    title: str
    module: str
    """of tests.programs.benchmarks.inference.contestants"""
    artefact: Callable[[Path, Path], Path]
    """(checkpoint, folder) -> what it loads"""
    option: str = ""
    precision: str = FLOAT32
    environment: Environment | None = None
    """that it runs in; None is the one of this process"""
    of_bert: bool = False
    """whether it runs BERT and none of its relatives"""

    def prepare(self, checkpoint: Path, folder: Path) -> Path:
        """Makes the environment and the artefact where they are missing; the artefact."""
        if self.environment is not None:
            self.environment.make()
        return self.artefact(checkpoint, folder)

    def start(self, name: str, artefact: Path, logs: Path) -> Contestant:
        """Starts its process, which loads nothing yet."""
        python = self.environment.python if self.environment else Path(sys.executable)
        module = f"tests.programs.benchmarks.inference.contestants.{self.module}"
        arguments = [str(artefact), *([self.option] if self.option else [])]
        logs.mkdir(parents=True, exist_ok=True)
        return Contestant(name, python, module, arguments, logs / f"{name}.log")


def entrants(warmup: bool) -> dict[str, Entrant]:
    """All contestants by name, in the order of the tables.

    `warmup`: whether our exports have a warm-up file, which is run when they are loaded.
    """

    def padded_graph(*options: str) -> Callable[[Path, Path], Path]:
        return lambda checkpoint, folder: build(
            sys.executable, "build_padded_graph", checkpoint, folder, *options
        )

    def huggingface_tensorflow(checkpoint: Path, folder: Path) -> Path:
        HUGGINGFACE_TENSORFLOW.make()
        python = HUGGINGFACE_TENSORFLOW.python
        return build(python, "build_huggingface_tensorflow", checkpoint, folder)

    def onnx(checkpoint: Path, folder: Path) -> Path:
        return build(PYTORCH.python, "build_onnx", checkpoint, folder)

    def onnx_int8(checkpoint: Path, folder: Path) -> Path:
        return build(PYTORCH.python, "build_onnx_int8", checkpoint, folder)

    def openvino(*options: str) -> Callable[[Path, Path], Path]:
        return lambda checkpoint, folder: build(
            OPENVINO.python, "build_openvino", checkpoint, folder, *options
        )

    def exported(precision: str) -> Callable[[Path, Path], Path]:
        return lambda checkpoint, folder: export_for_serving(checkpoint, folder, precision, warmup)

    def checkpoint_itself(checkpoint: Path, folder: Path) -> Path:
        return checkpoint

    return {
        "old-way": Entrant(
            "FullTokenizer, TF graph padded to 256",
            "saved_model_of_features",
            padded_graph(_PADDED_LENGTH),
            _PADDED_LENGTH,
            of_bert=True,
        ),
        "padded": Entrant(
            "FullTokenizer, TF graph padded to the longest",
            "saved_model_of_features",
            padded_graph(),
            of_bert=True,
        ),
        "hf-tf": Entrant(
            "transformers TFBertTokenizer + TF model",
            "saved_model_of_texts",
            huggingface_tensorflow,
            "text",
            of_bert=True,
        ),
        "onnx": Entrant(
            "ONNX Runtime, fused, tokenizers", "onnx_runtime", onnx, environment=PYTORCH
        ),
        "onnx-int8": Entrant(
            "ONNX Runtime, fused, dynamic int8, tokenizers",
            "onnx_runtime",
            onnx_int8,
            precision=INT8,
            environment=PYTORCH,
        ),
        "openvino": Entrant(
            "OpenVINO, its tokenizers",
            "openvino_texts",
            openvino(),
            "f32",
            environment=OPENVINO,
        ),
        "openvino-bf16": Entrant(
            "OpenVINO bfloat16, its tokenizers",
            "openvino_texts",
            openvino(),
            "bf16",
            BFLOAT16,
            OPENVINO,
        ),
        "openvino-int8": Entrant(
            "OpenVINO int8 by NNCF, its tokenizers",
            "openvino_texts",
            openvino(INT8),
            "f32",
            INT8,
            OPENVINO,
        ),
        "torch": Entrant(
            "PyTorch float32, tokenizers",
            "pytorch",
            checkpoint_itself,
            FLOAT32,
            environment=PYTORCH,
        ),
        "torch-bf16": Entrant(
            "PyTorch bfloat16, tokenizers",
            "pytorch",
            checkpoint_itself,
            BFLOAT16,
            BFLOAT16,
            PYTORCH,
        ),
        OURS: Entrant("ours, float32", "saved_model_of_texts", exported(FLOAT32), "text"),
        OURS_BFLOAT16: Entrant(
            "ours, bfloat16", "saved_model_of_texts", exported(BFLOAT16), "text", BFLOAT16
        ),
        OURS_INT8: Entrant("ours, int8", "saved_model_of_texts", exported(INT8), "text", INT8),
    }
