"""Writes model.onnx with weights of 8 bits, by ONNX Runtime's own dynamic quantization.

python -m tests.programs.benchmarks.inference.contestants.build_onnx_int8 CHECKPOINT OUTPUT_DIR
"""

import sys
from pathlib import Path

from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic

from tests.programs.benchmarks.inference.contestants.build_onnx import build_onnx


def build_onnx_int8(checkpoint: Path, output_dir: Path) -> None:
    build_onnx(checkpoint, output_dir)
    model = output_dir / "model.onnx"
    exact = model.rename(output_dir / "float32.onnx")
    # The types behind ONNX Runtime's own fused operators are not inferred.
    options = {"DefaultTensorType": TensorProto.FLOAT}
    weights = {"weight_type": QuantType.QInt8, "per_channel": True}
    quantize_dynamic(exact, model, **weights, extra_options=options)
    exact.unlink()


if __name__ == "__main__":
    build_onnx_int8(Path(sys.argv[1]), Path(sys.argv[2]))
