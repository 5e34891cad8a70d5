"""`make accept`: the surface file `tests/contract/surface.txt`, a short description of the API for reviewers."""
