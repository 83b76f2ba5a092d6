"""The program that gives up rights and becomes another one: the standard library alone, relative imports alone, fast to start.

It is run as `python -I -S -c BOOT FOLDER KEY=VALUE... -- PROGRAM ARGUMENT...`, so nothing here may import the rest of the product.
"""
