"""The simulator, and what is proven with it: fortnights over the nights when clocks change, judged by rules of their own."""
