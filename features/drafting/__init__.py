"""How `churnlight init` guesses a first declaration from a folder of tables."""
