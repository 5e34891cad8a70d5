"""The nightly job: checks whether upstream has published another spec, and writes the text of the pull request.

`.github/workflows/upstream.yml` runs it. The job runs to its end whatever the new spec is: if no code can be generated
from the spec, the pull request is opened all the same, and says why.
"""
