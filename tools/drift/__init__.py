"""`make drift`: two states of the API are compared; each change is a row with its severity and what it affects."""
