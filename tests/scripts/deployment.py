"""Where the deployment files lie, and how flags are read from them."""

import re

from tests.repository import ROOT

DEPLOY = ROOT / "scripts" / "deploy"
IMAGE = "tensorflow/serving:2.19.1"


def flags_of(arguments: list[str]) -> dict[str, str]:
    pairs = [re.fullmatch(r"--(\w+)=(\S+)", argument) for argument in arguments]
    assert all(pairs), arguments
    return {pair[1]: pair[2] for pair in pairs if pair}
