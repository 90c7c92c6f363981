"""memstow: plans where every tensor of a compiled PyTorch model lives in a two-level accelerator memory."""
