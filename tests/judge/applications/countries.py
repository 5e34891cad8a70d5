"""Lists countries."""

from anchor_webtask_api import models


def names():
    found = list(models.MobileCountryCode)  # BREAKS
    found += list(models.ResidentialCountryCode)  # BREAKS
    return [str(each) for each in found]
