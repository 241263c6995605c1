"""From rows and an artifact to assessments: bands, reasons, playbooks, opportunities."""
