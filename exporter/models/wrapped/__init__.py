"""SavedModels that take features: kept as they are, with the text in front of them."""
