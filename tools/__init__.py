"""The maintainers' programs that `make` runs; they are not part of the wheel.

Each of these folders is one program: `vendor`, `compose`, `generate`, `surface`, `drift`, `nightly`, `screenshots` and
`release`. The folder `openapi` has the code for OpenAPI documents that the programs share.
"""
