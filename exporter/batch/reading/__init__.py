"""Input files to blocks of rows, with what is wrong with a row next to it."""
