"""The forward pass in C: the fastest on a CPU, where a C compiler builds it once."""
