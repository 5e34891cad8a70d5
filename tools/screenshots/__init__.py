"""Makes the pictures of docs/command-line.md from the real program, on a real terminal, with an emulator.

What differs from run to run is replaced, such as ids and seconds, so that equal programs make equal pictures.
"""
