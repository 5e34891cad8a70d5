"""`make accept`: writes `tests/contract/surface.txt`, the short file that reviewers read."""
