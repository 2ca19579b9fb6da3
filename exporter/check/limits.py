"""How long an audit may take: as a whole, and for each of its steps."""

import dataclasses
import time

DEFAULT_TIMEOUT = 600.0


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds for the parts of an audit whose end is `timeout` seconds after its start.

    With the default of 600 s the model has 300 s to load, its warm-up records have 300 s, and a
    request has 60 s: more than ten times what BERT-base takes on two cores.
    """

    timeout: float
    started: float = dataclasses.field(default_factory=time.monotonic)
    """of time.monotonic()"""

    @property
    def load(self) -> float:
        """Until the model is loaded; as long again for its warm-up records."""
        return self.timeout / 2

    @property
    def request(self) -> float:
        """Until a request is answered."""
        return self.timeout / 10

    def left(self) -> float:
        """Until the whole audit must end; zero or less where it must have."""
        return self.started + self.timeout - time.monotonic()
