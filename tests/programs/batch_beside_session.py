"""Scores many lines with `exporter.batch`, beside bare sessions that do the same calls.

    SST2=shared/data/sst2 python -m tests.programs.batch_beside_session MODEL [ROWS [WORKERS]]

The bare sessions, as many as workers and with as many threads, begin when the job's first part is
there, so that both have their model loaded, and run while the job runs: whatever else the machine
does, it does to both. Rates are of the time in which both run. Then every answer of the job is
compared with a session's.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS_PER_PART = 4096


def sst2_lines(count: int) -> list[str]:
    """So many different lines: sentences, each again with a number behind it."""
    sentences = []
    for name in ("train.tsv", "dev.tsv"):
        content = Path(os.environ["SST2"], name).read_text(encoding="utf-8")
        sentences += [line.split("\t")[0] for line in content.splitlines()]
    return [
        sentences[number % len(sentences)]
        + (f" {number // len(sentences)}" if number >= len(sentences) else "")
        for number in range(count)
    ]


def bare(model_directory: str, signature: str, lines: list[str], threads: int, pipe) -> None:  # type: ignore[no-untyped-def]
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
    from bert.tensorflow_import import import_tensorflow_quietly

    import_tensorflow_quietly()
    from exporter.batch import scoring
    from exporter.batch.model import find_model, load

    model = find_model(model_directory, signature)
    servable = load(model.directory)
    batches = []
    for start in range(0, len(lines), ROWS_PER_PART):
        texts = [(line.encode(),) for line in lines[start : start + ROWS_PER_PART]]
        lengths = np.array([len(text) for (text,) in texts])
        counts = scoring._token_counts(servable, model, texts, np.argsort(lengths, kind="stable"))
        order = np.argsort(counts, kind="stable")
        for call in scoring._calls(counts, order, scoring.TOKENS_PER_CALL):
            inputs = scoring._inputs(model, texts, call)
            batches.append((start + call, inputs))
    servable.predict(model.signature, batches[0][1])
    pipe.send("ready")
    pipe.recv()
    done = []
    answers = {}
    for rows, inputs in batches:
        outputs = servable.predict(model.signature, inputs)
        done.append((time.time(), len(rows), time.process_time()))
        for place, row in enumerate(rows):
            answers[int(row)] = {name: values[place] for name, values in outputs.items()}
    pipe.send((done, answers))


def main(model: str, rows: str = "100000", workers: str = "2") -> None:
    from exporter.batch.model import find_model

    signature = os.environ.get("SIGNATURE", "")
    outputs = [output.name for output in find_model(model, signature).outputs]
    threads = max(1, len(os.sched_getaffinity(0)) // int(workers))
    lines = sst2_lines(int(rows))
    share = -(-len(lines) // int(workers))
    context = multiprocessing.get_context("spawn")
    sessions = []
    for start in range(0, len(lines), share):
        ours, theirs = context.Pipe()
        part = lines[start : start + share]
        process = context.Process(target=bare, args=(model, signature, part, threads, theirs))
        process.start()
        sessions.append((ours, start))
    for pipe, _ in sessions:
        assert pipe.recv() == "ready"
    with tempfile.TemporaryDirectory(prefix="batch-beside-") as scratch:
        source, output = Path(scratch, "lines.txt"), Path(scratch, "out")
        source.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "exporter.batch", f"--model={model}", f"--input={source}"),
            *(f"--output={output}", f"--signature={signature}", "--text_column=text"),
            *(f"--rows_per_part={ROWS_PER_PART}", f"--direct_num_workers={workers}"),
            "--direct_running_mode=multi_processing",
        ]
        job = subprocess.Popen(command, stdout=subprocess.PIPE)
        while not list(Path(scratch).glob(".out-*/new/part-*")):
            assert job.poll() is None
            time.sleep(0.1)
        for pipe, _ in sessions:
            pipe.send("go")
        printed = job.communicate()[0]
        assert job.returncode == 0
        parts = sorted(
            (file.stat().st_mtime, sum(1 for _ in file.open(encoding="utf-8")))
            for file in output.glob("part-*")
        )
        batch = {}
        for file in output.glob("part-*"):
            for line in file.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                number = int(row["id"].rpartition(":")[2]) - 1
                assert number not in batch, f"row {number} twice"
                assert row["text"] == lines[number]
                batch[number] = row
        failures = list(output.glob("failures-*"))
    done, answers = [], {}
    for pipe, start in sessions:
        times, part_answers = pipe.recv()
        done += times
        answers.update({start + row: answer for row, answer in part_answers.items()})
    assert sorted(batch) == sorted(answers) == list(range(len(lines))), "lost rows"
    assert not failures
    largest, differing = 0.0, 0
    for row, answer in answers.items():
        for name in outputs:
            value = answer[name]
            if value.dtype.kind == "f":
                largest = max(largest, float(np.abs(value - np.array(batch[row][name])).max()))
            else:
                differing += np.array(value).astype(str).tolist() != batch[row][name]
    done.sort()
    begin, end = parts[0][0], min(parts[-1][0], done[-1][0])
    seconds = end - begin
    job_rows = sum(count for moment, count in parts if begin < moment <= end)
    bare_rows = sum(count for moment, count, _ in done if begin < moment <= end)
    print(printed.decode())
    print(f"{len(batch):,} rows, each once; largest difference {largest:.1e}, {differing} differ")
    print(f"side by side for {seconds:.1f} s: job {job_rows:,} rows, sessions {bare_rows:,}")
    print(f"{job_rows / seconds:.1f} and {bare_rows / seconds:.1f} rows/s")
    print(f"ratio {job_rows / bare_rows:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
