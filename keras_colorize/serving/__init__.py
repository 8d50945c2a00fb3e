"""The network behind HTTP and gRPC: TensorFlow Serving's interfaces, and pictures in and out."""
