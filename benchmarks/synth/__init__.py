"""What a synth costs: ours, the same by hand, and AWS Solutions Constructs."""
