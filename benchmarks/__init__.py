"""How fast autobuilds is, beside other tools and beside what nothing can be faster than; run with `python3 tasks.py bench`."""
