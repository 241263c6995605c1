"""The time kernel: facts of whole accounts folded over windows, for every as-of date at once."""
