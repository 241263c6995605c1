"""The rows of a company: columns planned, facts selected and gathered, rows and labels made."""
