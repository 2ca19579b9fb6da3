"""What TensorFlow Model Garden trains and exports, against what it answers."""

import numpy as np

from tests.acceptance.conftest import ModelGarden
from tests.conftest import load_signatures


def test_its_own_encoder_answers_as_in_memory(model_garden: ModelGarden) -> None:
    """The oracle's SavedModel and its arrays belong together."""
    arrays = model_garden.arrays("hub_encoder")
    serve = load_signatures(model_garden.saved_model("hub_encoder"))["serving_default"]
    found = serve(
        **{name: arrays[name] for name in ("input_word_ids", "input_mask", "input_type_ids")}
    )["pooled_output"]
    np.testing.assert_allclose(found, arrays["pooled_output"], rtol=0, atol=1e-5)
