"""A simulated B2B SaaS company, from its accounts' hidden health to its ordinary tables."""
