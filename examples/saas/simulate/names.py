"""Invented names. Any likeness to a real company or person is a coincidence."""

import numpy as np

STEMS = (
    "Alderbrook Amberfield Ashgrove Aurelin Beechmoor Bellmark Birkhall Blaustein Bramwick "
    "Brightwell Calderon Carrowby Cedarline Copperleaf Corvane Dalemark Driftwood Eastholm "
    "Edelhain Elmstead Falkrun Fennwick Fernhollow Finchley Foxmere Glenbury Goldenrod "
    "Granville Greyport Halberg Harrowgate Hartwell Hazelcroft Heronby Hollins Ironvale "
    "Juniper Kestrel Kingsley Lakemoor Larkhill Lindqvist Lockridge Lunden Maplethorpe "
    "Marlowe Meadowlark Merrowby Mistral Northwold Oakhurst Orchardson Osprey Pellworth "
    "Pinecrest Quarrystone Quillon Ravensby Redfern Ridgewater Rosenau Rowanby Sablefield "
    "Saltmarsh Silverbeck Stonebridge Sundholm Swanmere Tamberlin Thornfield Tidewell "
    "Umberto Vallister Wexcombe Whitlock Willowbank Winterhall Wolfsberg Yarrow Zelander"
).split()
TRADES = (
    "Analytics Apparel Assurance Automation Bakery Capital Ceramics Chemicals Clinics Components "
    "Consulting Design Diagnostics Dynamics Energy Engineering Events Foods Freight Furniture "
    "Garden Glass Health Hotels Insurance Instruments Interiors Labs Learning Legal Logistics "
    "Marine Materials Media Mobility Optics Outdoor Packaging Partners Pharma"
).split()
FORMS = ("Ltd", "GmbH", "Inc", "AB", "SA", "Group")
PEOPLE = (
    "Amara Benedikt Chiara Dmitri Elif Farid Greta Hiroshi Ines Joaquin Katya Lennart Mei Nadia "
    "Oskar Priya Quentin Rosa Sven Tomasz Ulrike Viktor Wanjiru Ximena Yusuf Zoe"
).split()
LARGEST = len(STEMS) * len(TRADES) * len(FORMS)


def companies(count: int, rng: np.random.Generator) -> list[str]:
    """Return so many different company names (at most ``LARGEST``)."""
    picks = rng.permutation(LARGEST)[:count]
    parts = np.unravel_index(picks, (len(STEMS), len(TRADES), len(FORMS)))
    return [f"{STEMS[a]} {TRADES[b]} {FORMS[c]}" for a, b, c in zip(*parts, strict=True)]


def person(number: int) -> str:
    """Return the first name of a CSM; names come round again with an initial after 26."""
    turn, place = divmod(number, len(PEOPLE))
    return PEOPLE[place] if turn == 0 else f"{PEOPLE[place]} {chr(64 + turn % 26)}."
