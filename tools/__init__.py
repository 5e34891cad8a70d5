"""The maintainers' programs behind `make`; not part of the wheel.

One folder is one program: `vendor`, `compose`, `generate`, `surface` and `drift`. `openapi` is what they share about
OpenAPI documents.
"""
