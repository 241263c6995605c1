"""What training shows people: pages, plots, the model report and the model card.

Nothing here decides a score, and nothing that scores or serves imports it.
"""
