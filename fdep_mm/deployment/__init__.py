"""From weights to a file that runs without PyTorch.

The modules are imported by name: :mod:`.card` needs nothing but Python,
:mod:`.precision` needs onnx and onnxruntime, the others torch and MMEngine.
"""
