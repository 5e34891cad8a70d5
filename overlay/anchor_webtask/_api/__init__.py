"""The API: from options to requests and from responses to replies; the only importer of the generated code."""
