"""A SavedModel's first load and request, in a process of its own that is bounded.

    python -m exporter.models.wrapped.trial DIRECTORY SIGNATURE OUTPUTS REQUEST.npz

OUTPUTS is a list in JSON. The export loads the SavedModel in its own process afterwards.
"""

import json
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

from bert.errors import UserError
from exporter.models.opened_model import Row
from exporter.models.wrapped.signature import FeatureSignature
from exporter.models.wrapped.witness import padded_inputs
from exporter.runtime.fresh_process import ProcessTimeout, memory_limit, run_module

_SECONDS = 600.0
_COLUMNS = 16
_OUT_OF_MEMORY = 3


def require_bounded(directory: Path, signature: FeatureSignature, location: str) -> None:
    """Makes sure that the SavedModel loads and answers a row, in bounded time and memory.

    A model that cannot be loaded, or refuses the row, passes: the export says why.

    Raises:
      UserError: it has no end, needs more memory than there is, or ends the process.
    """
    length = signature.length or _COLUMNS
    inputs = padded_inputs(signature, [Row([0] * length, [0] * length)])
    with tempfile.TemporaryDirectory(prefix="exporter-trial-") as scratch:
        request = Path(scratch, "request.npz")
        np.savez(request, **inputs)
        try:
            result = run_module(
                "exporter.models.wrapped.trial",
                *(str(directory), signature.name, json.dumps(list(signature.outputs))),
                str(request),
                seconds=_SECONDS,
            )
        except ProcessTimeout as error:
            raise UserError(
                f"--checkpoint {location} has {error} when it is loaded and asked one row: give a "
                "model without endless loops."
            ) from error
    if result.returncode == _OUT_OF_MEMORY:
        raise UserError(
            f"--checkpoint {location} needs more than the {memory_limit() >> 30} GB that are free "
            "when it is loaded and asked one row: give a smaller model, or export on a larger "
            "machine."
        )
    if result.returncode < 0:
        raise UserError(
            f"--checkpoint {location} ends a process that loads it and asks it one row "
            f"({signal.Signals(-result.returncode).name}): give a model that a server survives."
        )


def _main(directory: str, signature: str, outputs: str, request: str) -> None:
    import tensorflow as tf

    from exporter.runtime.servable import Servable
    from exporter.runtime.status import Code, StatusError

    try:
        servable = Servable(Path(directory))
        with np.load(request) as arrays:
            servable.predict(signature, dict(arrays), json.loads(outputs))
    except tf.errors.ResourceExhaustedError:
        sys.exit(_OUT_OF_MEMORY)
    except StatusError as error:
        sys.exit(_OUT_OF_MEMORY if error.code is Code.RESOURCE_EXHAUSTED else 0)


if __name__ == "__main__":
    _main(*sys.argv[1:])
