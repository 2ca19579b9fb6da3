"""The package: `bert` reads, runs and trains BERT; `exporter` makes it answer text."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="bert-text-exporter",
    version="0.1.0",
    description="Exports a fine-tuned BERT as a SavedModel that answers plain text",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["bert", "bert.*", "exporter", "exporter.*"]),
    package_data={
        "bert.tokenizers.huggingface": ["data/*.npz"],
        "exporter.text": ["data/*.npz"],
        "exporter.serving": ["data/*.json"],
    },
    python_requires=">=3.10,<3.13",
    # constraints.txt pins what CI runs; BUILD_NOTES.md gives the reason for each.
    install_requires=[
        "PyYAML>=6,<7",
        "absl-py>=2.0,<3",
        "numpy>=1.26,<3",
        "safetensors>=0.4,<1",
        "tensorflow>=2.16,<2.22",
        "tensorflow-hub>=0.16,<0.17",
        "tensorflow-serving-api>=2.16,<2.22",
        "tensorflow-text>=2.16,<2.22",
        "tqdm>=4.60,<5",
    ],
    extras_require={
        "preview": ["aiohttp>=3.9,<4"],
        "test": [
            "aiohttp>=3.9,<4",
            "compose-spec>=0.2,<1",
            "h5py>=3.10,<4",
            "hypothesis>=6.100,<7",
            "kubernetes-validate>=1.30,<2",
            "ml_dtypes>=0.4,<1",
            "mypy>=1.10,<3",
            "packaging>=23",
            "pytest>=8,<10",
            "pytest-xdist>=3.5,<4",
            "ruff>=0.5,<1",
            "tokenizers>=0.20,<1",
            "types-tqdm",
        ],
    },
)
