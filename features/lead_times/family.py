"""Which family of the catalogue an indicator belongs to, so that alike ones are seen together."""

from collections import Counter

from features.declaring.company import Company

BY_DIMENSION = {"outcome": "outcomes", "business": "billing", "relationship": "relationship"}


def family_of(name: str, company: Company) -> str:
    """The family that an indicator was adopted from; else a likely one.

    One that a company spells out itself belongs with most of what it adopted over the same
    source, and where it adopted nothing there, with the family nearest to its dimension.
    """
    indicator = company.indicators[name]
    if indicator.adopt:
        return indicator.adopt.partition(".")[0]
    neighbours = Counter(
        other.adopt.partition(".")[0]
        for other in company.indicators.values()
        if other.adopt and other.source == indicator.source
    )
    return neighbours.most_common(1)[0][0] if neighbours else BY_DIMENSION[indicator.dimension]
