"""The declaration language: what `churnlight.toml` may say, read with every mistake at once."""
