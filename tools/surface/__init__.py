"""`make accept`: writes `tests/contract/surface.txt`, a short description of the Python and HTTP API for reviewers."""
