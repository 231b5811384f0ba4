"""The pretrained base model: the prior it learnt from, its training, its weights and its loader."""
