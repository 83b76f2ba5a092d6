"""A simulated machine: its clock, its disk, its sandbox and its owner's proofs, all kept in memory."""
