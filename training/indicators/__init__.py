"""Which indicators earn their place: lead times, ablation and admission."""
