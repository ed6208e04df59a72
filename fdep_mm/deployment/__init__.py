"""From weights to a file that runs without PyTorch."""
