"""A textbook BERT in NumPy, which answers are compared with: the independent witness."""

from bert.reference.answers import ReferenceModel, finish
from bert.reference.forward import ReferenceClassifier

__all__ = ["ReferenceClassifier", "ReferenceModel", "finish"]
