"""Sources of samples: compilers that estimate kernels, and machines that run them."""
