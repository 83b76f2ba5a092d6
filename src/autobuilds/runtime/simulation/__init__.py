"""The simulator: the product itself, on a clock that is set, with agents that only play their parts (`autobuilds simulate`)."""
