"""The parts that commands share: declared options, flags made from them, help, and running."""
