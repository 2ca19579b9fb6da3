"""A worker process of a local run: Beam's own, but quiet, and gone when its run is."""

import logging
import os
import sys
import threading
import time

from bert.tensorflow_import import import_tensorflow_quietly


def main() -> None:
    """Works until the run ends, or its process is no more."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="watch", daemon=True).start()
    # Errors reach the run by other ways, and it reports them.
    logging.disable(logging.ERROR)
    import_tensorflow_quietly()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
