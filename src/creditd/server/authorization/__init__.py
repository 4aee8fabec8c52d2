"""What a caller may do: the policy, what is stored of a caller, and the second factor."""
