"""The package: `bert` reads, runs and trains BERT; `exporter` makes it answer text."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def version() -> str:
    """`exporter.__version__`, which is written there and nowhere else."""
    text = (ROOT / "exporter" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found is not None
    return found[1]


setup(
    name="bert-text-exporter",
    version=version(),
    description="Exports a fine-tuned BERT as a SavedModel that answers plain text",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The bert-text-exporter maintainers",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    keywords=["BERT", "TensorFlow Serving", "SavedModel", "tokenization", "text classification"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Text Processing :: Linguistic",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["bert", "bert.*", "exporter", "exporter.*"]),
    package_data={
        "bert": ["py.typed"],
        "exporter": ["py.typed"],
        "bert.tokenizers.huggingface": ["data/*.npz"],
        "exporter.text": ["data/*.npz"],
        "exporter.preview": ["page/*"],
        "exporter.serving": ["data/*.json"],
    },
    entry_points={
        "console_scripts": [
            "bert-text-exporter = exporter.__main__:run",
            "bert-text-exporter-batch = exporter.batch.__main__:run",
            "bert-text-exporter-check = exporter.check.__main__:run",
            "bert-text-exporter-preview = exporter.preview.__main__:run",
        ],
    },
    python_requires=">=3.10,<3.14",
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
        "batch": ["apache-beam>=2.77,<3", "pyarrow>=14,<26"],
        "hub": ["huggingface_hub>=0.24,<3"],
        "plots": ["matplotlib>=3.8,<4"],
        "preview": ["aiohttp>=3.9,<4"],
        "train": ["seqeval>=1.2,<2"],
        "test": [
            "aiohttp>=3.9,<4",
            "compose-spec>=0.2,<1",
            "h5py>=3.10,<4",
            "huggingface_hub>=0.24,<3",
            "hypothesis>=6.100,<7",
            "kubernetes-validate>=1.30,<2",
            "matplotlib>=3.8,<4",
            "ml_dtypes>=0.4,<1",
            "mypy>=1.10,<3",
            "packaging>=23",
            "pandas>=2.2,<3",
            "pytest>=8,<10",
            "pytest-xdist>=3.5,<4",
            "ruff>=0.5,<1",
            "scikit-learn>=1.4,<2",
            "seqeval>=1.2,<2",
            "tokenizers>=0.20,<1",
            "transformers>=5,<6",
            "types-tqdm",
        ],
    },
)
