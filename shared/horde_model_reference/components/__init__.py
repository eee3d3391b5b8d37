"""What component hashes are computed from: the tensors of safetensors files, on the disk or on a server."""
