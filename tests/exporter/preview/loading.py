"""Waits for a preview server, which answers nothing while it replays warm-up requests."""

from tests.exporter.preview.client import Client, wait_for


def wait_until_loaded(client: Client, model: str) -> None:
    """Returns once a version of the model is there; on a busy machine that takes a while."""

    def is_loaded() -> bool:
        try:
            return client.get(f"/v1/models/{model}").status == 200
        except TimeoutError:
            return False

    wait_for(is_loaded, 300)
