"""What the benchmark of features is made of: clocks, peers, and the lines it prints."""
