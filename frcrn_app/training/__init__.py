"""Training on mixtures made on the fly: corpus, mixtures, losses, trainer, fine-tuning."""
